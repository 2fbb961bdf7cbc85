"""The key and the content hash: which articles are one."""

import pytest

from tests.normalize.conftest import make, profile_with, site
from worker.model import Person, Scope
from worker.normalize import fold, make_identity
from worker.normalize import title as titles
from worker.normalize.identity import SHORT_TEXT, identify

DAY = "2021-11-26T12:00:00+08:00"


def key(**fields: object) -> bytes:
    return make(**{"date": DAY, **fields}).identity.key  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("original", "mirrored"),
    [
        ("谁赢了?3:1还是1/3", "谁赢了_3_1还是1_3"),
        ("谁赢了？3：1", "谁赢了_3_1"),
        ("“十四五”规划：[全文]|解读", "_十四五_规划__全文__解读"),
        ('He said "no" <now>', "He said _no_ _now_"),
        ("C:\\temp\\*.md", "C__temp__.md"),
        ("【快讯】 ＡＢＣ 上涨", "【快讯】ABC上涨"),
        ("标\u200b题\ufeff　有 空\u00a0白\u202e", "标题有空白"),
        ("Straße", "STRASSE"),
    ],
)
def test_a_mirrored_title_meets_its_original(original: str, mirrored: str) -> None:
    """What mirrors write as `_`, width, case, white space and hidden characters do not part."""
    assert fold(original) == fold(mirrored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3:1", "31"),
        ("3:1", "3-1"),
        ("A股", "B股"),
        ("早报1", "早报2"),
        ("a_b", "ab"),
        ("C++", "C"),
    ],
)
def test_titles_that_differ_otherwise_are_two(one: str, other: str) -> None:
    """`3:1` is not `31`, and no other character is dropped."""
    assert fold(one) != fold(other)
    assert key(title=one) != key(title=other)


def test_characters_that_fold_to_themselves_need_no_second_pass() -> None:
    """Those of the shortcut: folding changes none of them."""
    characters = "0123456789abcdefghijklmnopqrstuvwxyz_" + "".join(map(chr, range(0x4E00, 0xA000)))
    assert titles._FOLDED.fullmatch(characters)
    assert titles._fold_once(characters) == characters


def test_a_site_suffix_goes_first() -> None:
    """A configured suffix is in neither key nor title, also as the mirror writes it."""
    sites = site(title_suffixes=("_某站_某网", " | 某站"))
    plain = make(title="涨了", date=DAY)
    for title in ("涨了_某站_某网", "涨了 | 某站", "涨了 _ 某站"):
        suffixed = make(title=title, date=DAY, sites=sites, authors=(Person("某站"),))
        assert suffixed.identity == plain.identity
    kept = make(title="涨了 | 某站", date=DAY, sites=sites, authors=(Person("某站"),))
    assert kept.article.title == "涨了"
    assert fold("_某站", ("_某站",)) == "_某站", "a title that is only the suffix stays"


def test_a_title_of_nothing_but_dropped_characters_still_folds() -> None:
    """If nothing is left, the fold is by NFKC and white space only."""
    assert fold("\u200d\u200d") == "\u200d\u200d"
    assert fold("\u200d") != fold("\u200d\u200d")


def test_the_encoding_of_the_key_is_unambiguous() -> None:
    """A title that holds what follows it in the key is not the shorter title with a longer rest."""
    profile = profile_with(scope=Scope.URL)
    short = identify("x", "2021-11-26", b"", profile=profile, url="ydate2021-11-26urlz")
    long = identify("xdate2021-11-26urly", "2021-11-26", b"", profile=profile, url="z")
    assert short.key != long.key


def test_scopes_add_to_the_key() -> None:
    """Per source a scope adds the source, the address or the content; global adds none."""
    a, b = {"title": "早报", "source_text": "甲"}, {"title": "早报", "source_text": "乙"}

    def keys(scope: Scope, **fields: object) -> set[bytes]:
        return {
            key(
                html=f"<p>{each['source_text']}</p>",
                title="早报",
                url=f"https://example.com/{each['source_text']}",
                profile=profile_with(scope=scope, source=f"s{number}"),
                **fields,
            )
            for number, each in enumerate((a, b))
        }

    assert len(keys(Scope.GLOBAL)) == 1
    assert len(keys(Scope.SOURCE)) == len(keys(Scope.URL)) == len(keys(Scope.CONTENT)) == 2
    assert len({key(profile=profile_with(scope=Scope.URL), html=h) for h in ("甲", "乙")}) == 2


def test_an_undated_article_is_keyed_by_title_and_content() -> None:
    """Without a usable date the same title and text meet, another text does not."""
    one = make("<p>一</p>", date="Invalid Date")
    again = make("<div><p> 一 </p></div>")
    other = make("<p>二</p>")
    assert one.identity == again.identity
    assert one.identity.key != other.identity.key
    assert one.identity.date is None
    assert one.article.id.startswith("undated-")


def test_a_crawl_time_does_not_enter_the_key() -> None:
    """Where naive dates are unreliable a mirror's nightly stamp makes no new article."""
    unreliable = profile_with(trust_naive_dates=False)
    runs = [make(date=f"2022-03-{day} 12:33:29", profile=unreliable) for day in (20, 21)]
    assert runs[0].identity == runs[1].identity
    assert runs[0].article.date is None
    assert runs[0].article.date_published is None
    assert any("unreliable" in warning for warning in runs[0].article.warnings)
    zoned = make(date="Sun, 20 Mar 2022 12:33:29 GMT", profile=unreliable)
    assert zoned.article.date == "2022-03-20"


def test_the_content_hash_is_of_the_text_not_the_markup() -> None:
    """Other markup, white space and a new random cover leave the content hash as it was."""
    long = "字" * SHORT_TEXT
    cover = '<img src="https://picsum.photos/400/300?random={}">'
    ignored = site(body=_body_rule(ignore_images=("picsum.photos/",)))
    hashes = {
        make(html, sites=ignored, authors=(Person("某站"),), image=cover.format(n)).identity.content
        for n, html in enumerate(
            (f"<p>{long}</p>", f"<div>　　{long}\n</div>", f"<p>{long}</p>{cover.format(7)}")
        )
    }
    assert len(hashes) == 1
    paths = {make(f'<img src="{name}.png">').identity.content for name in ("a", "b")}
    assert len(paths) == 2
    short = {
        make(
            "<p>图</p>" + cover.format(n), sites=ignored, authors=(Person("某站"),)
        ).identity.content
        for n in (1, 2)
    }
    assert len(short) == 1


def test_posts_of_pictures_only_differ_by_them() -> None:
    """A short text's hash covers its pictures, by whichever proxy they came; a long one's not."""

    def content(text: str, src: str) -> bytes:
        return make(f'<p>{text}</p><img src="{src}">').identity.content

    assert content("", "https://a.example/1.jpg") != content("", "https://a.example/2.jpg")
    proxied = "https://cors.zfour.workers.dev/?http://a.example/1.jpg"
    assert content("", "https://a.example/1.jpg") == content("", proxied)
    long = "字" * SHORT_TEXT
    assert content(long, "https://a.example/1.jpg") == content(long, "https://a.example/2.jpg")


def test_title_and_date_alone_give_the_key() -> None:
    """What `explain --title --date` computes is the key that the article has."""
    normalized = make(title="谁赢了?", date="Fri, 26 Nov 2021 12:26:04 GMT")
    for date in ("2021-11-26", "2021年11月26日", "Fri, 26 Nov 2021 12:26:04 GMT"):
        found = make_identity("谁赢了_", date, profile=profile_with())
        assert found.identity is not None
        assert found.identity.key == normalized.identity.key
    assert make_identity("谁赢了", None, profile=profile_with()).identity is None
    by_content = profile_with(scope=Scope.CONTENT)
    assert make_identity("谁赢了", "2021-11-26", profile=by_content).identity is None


def _body_rule(**fields: object) -> object:
    from worker.sites import BodyRule

    return BodyRule(**fields)  # type: ignore[arg-type]
