"""Site rules: loaded whole, refused with a reason, and chosen by what an input has."""

import os
from pathlib import Path

import pytest

from worker.errors import ConfigError
from worker.sites import DEFAULT, Match, SiteRule, Sites, load_sites, rules

SHIPPED = Path(__file__).parents[2] / "config" / "sites"
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


@pytest.fixture(scope="module")
def shipped() -> Sites:
    return load_sites([SHIPPED])


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text, "utf-8")
    return folder


# ── loading ─────────────────────────────────────────────────────────────────────────────────


def test_shipped_rules_load(shipped: Sites) -> None:
    """Every shipped file is a rule, named for its file."""
    assert {rule.name for rule in shipped} == {path.stem for path in SHIPPED.glob("*.toml")}
    sina = shipped.named("sina")
    assert sina is not None
    assert sina.publisher == "新浪财经"
    assert sina.tickers
    assert shipped.named("nobody") is None


def test_no_rules_at_all() -> None:
    """An empty set works and names nothing."""
    assert Sites(()).choose(url="https://a.example/", authors=["x"], image_hosts=["i"]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("publsher = 'x'", "unknown key publsher; did you mean publisher?"),
        ("[page]\ncontnt = ['a']", "unknown key page.contnt; did you mean page.content?"),
        ("hosts = ['a.example']", "unknown key hosts; did you mean match.hosts?"),
        ("name = 'x'", "a rule has the name of its file"),
        ("publisher = 7", "publisher: write a text, in quotes"),
        ("[page]\ncontent = 'p'", "page.content: write a list, in brackets"),
        ("[page]\ncontent = ['p[']", "page.content: p[ is not a CSS selector"),
        ("[page]\neditor = ['p >']", "page.editor: p > is not a CSS selector"),
        ("[body]\nremove = ['p:nope']", "body.remove: p:nope is not a CSS selector"),
        (
            "[body]\nremove = ['p:-soup-contains(x)']",
            "body.remove: p:-soup-contains(x) is not a",
        ),
        ("[body]\nbold = ['']", "body.bold: an empty text would match everything"),
        ("[body]\nignore_images = [' ']", "body.ignore_images: an empty text"),
        ("[body]\ndrop_text = ['(']", "body.drop_text: ( is not a regular expression"),
        ("[body]\neditor = ['编辑']", "body.editor: 编辑 needs a group for the name"),
        ("[match]\nhosts = ['https://a.example/']", "https://a.example/ is not a host"),
        ("time_zone = 'Asia/Shangai'", "time_zone: Asia/Shangai is not an IANA name"),
        ("publisher = ", "cannot be read as TOML"),
        ("publisher = " + "[" * 5_000, "cannot be read as TOML"),
        ("publisher = " + "9" * 5_000, "cannot be read as TOML"),
        ("[body]\ndrop_text = ['a{99999999999}']", "is not a regular expression"),
    ],
)
def test_wrong_rule_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """A rule that cannot work is refused at load, naming its file and key."""
    write(tmp_path, "port", text)
    with pytest.raises(ConfigError) as refusal:
        load_sites([tmp_path])
    assert message in str(refusal.value)
    assert str(tmp_path / "port.toml") in str(refusal.value)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """Every mistake of every file is reported, not only the first."""
    write(tmp_path, "a", "x = 1\ny = 2")
    write(tmp_path, "b", "z = 3")
    with pytest.raises(ConfigError) as refusal:
        load_sites([tmp_path])
    assert len(str(refusal.value).splitlines()) == 3


def test_a_fifo_or_folder_is_an_error(tmp_path: Path) -> None:
    """A FIFO or a folder with the name of a rule is an error; nothing is read from it."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ConfigError) as refusal:
        load_sites([tmp_path])
    assert str(refusal.value).count("is not a file: remove it") == 2


def test_outside_text_is_escaped(tmp_path: Path) -> None:
    """A file's text cannot move the cursor of the terminal that shows its error."""
    write(tmp_path, "port", '"\\u001b[2J" = 1')
    with pytest.raises(ConfigError) as refusal:
        load_sites([tmp_path])
    assert "\x1b" not in str(refusal.value)


def test_own_rules_replace_shipped(tmp_path: Path) -> None:
    """A rule of a later folder replaces the one of the same name as a whole."""
    mine = write(tmp_path / "mine", "sina", "publisher = '我的'")
    sites = load_sites([SHIPPED, mine])
    rule = sites.named("sina")
    assert rule is not None
    assert rule.publisher == "我的"
    assert rule.page.content == ()
    assert sites.named("people") is not None


def test_missing_folder(tmp_path: Path) -> None:
    """A missing folder is an error, an empty one is not."""
    assert tuple(load_sites([tmp_path])) == ()
    with pytest.raises(ConfigError, match="no folder of site rules"):
        load_sites([tmp_path / "nowhere"])


def test_default_is_added_to_every_rule(tmp_path: Path) -> None:
    """What it removes is removed everywhere; without a matching rule it is used alone."""
    write(tmp_path, DEFAULT, "[body]\nignore_images = ['random']\n[page]\nremove = ['nav']")
    write(tmp_path, "port", "[body]\nignore_images = ['advert']\n[page]\nremove = ['.x']")
    sites = load_sites([tmp_path])
    port = sites.named("port")
    assert port is not None
    assert port.body.ignore_images == ("random", "advert")
    assert port.page.remove == ("nav", ".x")
    assert sites.choose(url="https://elsewhere.example/") == sites.named(DEFAULT)


# ── choosing ────────────────────────────────────────────────────────────────────────────────

RULES = Sites(
    (
        SiteRule("portal", match=Match(hosts=("portal.example",), image_hosts=("img.example",))),
        SiteRule("finance", match=Match(hosts=("finance.portal.example",))),
        SiteRule("herald", publisher="The Herald", outlets=("Herald Online",)),
        SiteRule("blog", match=Match(authors=("简书",), image_hosts=("pics.example",))),
        SiteRule("daily", match=Match(categories=("Daily News",))),
    )
)


@pytest.mark.parametrize(
    ("has", "name"),
    [
        ({"url": "https://portal.example/1"}, "portal"),
        ({"url": "https://www.PORTAL.example:8080/1"}, "portal"),
        ({"url": "https://finance.portal.example/1"}, "finance"),
        ({"url": "https://m.finance.portal.example/1"}, "finance"),
        ({"url": "https://notportal.example/1"}, None),
        ({"url": "http://[broken"}, None),
        ({"publisher": "the herald"}, "herald"),
        ({"authors": ["Jo Doe", "Ｈｅｒａｌｄ Online "]}, "herald"),
        ({"authors": ["简书"]}, "blog"),
        ({"authors": ["简书人"]}, None),
        ({"tags": ["x", "daily news"]}, "daily"),
        ({"image_hosts": ["a.pics.example"]}, "blog"),
        ({"image_hosts": ["img.example", "pics.example", "b.pics.example"]}, "blog"),
        ({"image_hosts": ["img.example", "pics.example"]}, "portal"),
        ({}, None),
    ],
)
def test_chosen_by(has: dict, name: str | None) -> None:
    """Hosts fit with their subdomains, the longest wins; names fit whole, width and case aside."""
    rule = RULES.choose(**has)
    assert (rule.name if rule else None) == name


def test_order_of_choice() -> None:
    """Address before names, names before categories, categories before pictures."""
    has = {
        "url": "https://portal.example/1",
        "publisher": "The Herald",
        "authors": ["简书"],
        "tags": ["Daily News"],
        "image_hosts": ["pics.example"],
    }
    chosen = []
    for key in ("url", "publisher", "authors", "tags", "image_hosts"):
        rule = RULES.choose(**has)
        chosen.append(rule and rule.name)
        del has[key]
    assert chosen == ["portal", "herald", "blog", "daily", "blog"]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
def test_every_source_of_the_samples_has_a_rule(shipped: Sites) -> None:
    """Each author of the mirror leads to a rule of its own, or to none; no two share one."""
    authors = set()
    for path in (SAMPLES / "seed.md", *SAMPLES.glob("mirror/*.md"), *SAMPLES.glob("heads/*.md")):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("author: "):
                authors.add(line.removeprefix("author: ").strip().strip("'\""))
    chosen = {author: shipped.choose(authors=[author]) for author in authors}
    names = [rule.name for rule in chosen.values() if rule and rule.name != DEFAULT]
    assert len(set(names)) == len(names) >= 15


def test_only_names_of_ordinary_length_are_remembered() -> None:
    """A very long name from outside is not kept in memory."""
    rules._folded.cache_clear()
    names = [rules.folded_name(name) for name in (" Ｎews ", " Ｎews ", "X" * 101)]
    assert names == ["news", "news", "x" * 101]
    assert (rules._folded.cache_info().hits, rules._folded.cache_info().currsize) == (1, 1)
