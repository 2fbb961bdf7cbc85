"""Front matter as people and mirrors really write it."""

from typing import Any

import pytest

from worker.errors import Reason, Rejected
from worker.formats.yaml_head import MAX_DEPTH, Unreadable, load


def head(text: str, body: str = "Body.") -> bytes:
    return f"---\n{text}\n---\n{body}\n".encode()


@pytest.mark.parametrize(
    "text", ["---\ntitle: x\n\nBody without an end.", "+++\ntitle = 'x'\n", "---"]
)
def test_never_closed(text: str, read: Any) -> None:
    """A head without an end is refused, and its owner learns which line to add."""
    with pytest.raises(Rejected, match="never closed: put a line `") as caught:
        read(text.encode())
    assert caught.value.reason is Reason.FRONT_MATTER


@pytest.mark.parametrize("text", ["- a\n- b", "[1, 2", "'"])
def test_no_keys(text: str, read: Any) -> None:
    """A head in which no key can be found is refused."""
    with pytest.raises(Rejected, match="write `key: value` lines") as caught:
        read(head(text))
    assert caught.value.reason is Reason.FRONT_MATTER


def test_bad_toml_names_the_line(read: Any) -> None:
    """TOML that cannot be read is refused with its line in the file."""
    with pytest.raises(Rejected, match="line 3") as caught:
        read(b"+++\ntitle = 'x'\ndate = = 2\n+++\n")
    assert caught.value.reason is Reason.FRONT_MATTER


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("no", "no"),
        ("1.0", "1.0"),
        ("2021-11-26", "2021-11-26"),
        ("'it''s'", "it's"),
        ("it's", "it's"),
        ('"a \\"b\\" c"', 'a "b" c'),
        ('"a "b" c"', 'a "b" c'),
        ("'他说'不'。'", "他说'不'。"),
        ("[Live] the storm", "[Live] the storm"),
        ("{draft} storm", "{draft} storm"),
        ("*Storm* ahead", "*Storm* ahead"),
        ("&Storm ahead", "ahead"),
        ("@harbour: storm", "@harbour: storm"),
        ("100% of it", "100% of it"),
        ("Storm: the end", "Storm: the end"),
        ("Storm # one", "Storm"),
        ("AT&T & sons &amp; more", "AT&T & sons & more"),
        ("&#123;x&#125; &#124;", "{x} |"),
        ("!new storm", "!new storm"),
        ("!!港口 storm", "!!港口 storm"),
        ("!!python/object:os.system x", "x"),
        ("|\n  two\n  lines", "two\nlines"),
        (">\n  two\n  lines", "two lines"),
        ("", None),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
    ],
)
def test_titles(written: str, title: str | None, read_one: Any) -> None:
    """A title is the text that was meant, whatever YAML makes of its signs."""
    assert read_one(head(f"title: {written}\ndate: 2021-12-07")).title == title


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        ("title:x\ndate:2021-12-07\ntags:[a,b]", ("a", "b")),
        ("title：x\ndate： 2021-12-07\ntags：a，b", ("a", "b")),
        ("title: x\ndate: 2021-12-07\ntags:\n -a\n -b", ("a", "b")),
        ("title: x\ncreateTime: 2021-12-07\ntags: [a，b]", ("a", "b")),
        ("title: x\ndate: 2021-12-07\ntags:\n  - a\n  - C: b", ("a", "C: b")),
        ("date: 2021-12-07\ntags: [a, b]\n---\n\n# *x*", ("a", "b")),
        ("title: x\ndate: 2021-12-07\ntags: [a, b]\n---\n# x", ("a", "b")),
    ],
)
def test_what_hands_write(lines: str, tags: tuple[str, ...], read_one: Any) -> None:
    """A colon without its space or in full width, dashes without theirs, Chinese commas, an item
    with a colon, and a title that is the first heading of the body are read as they are meant."""
    found = read_one(head(lines) if "---" not in lines else f"---\n{lines}\n\ntext\n".encode())
    assert (found.title, found.tags, found.dates[0].text) == ("x", tags, "2021-12-07")
    assert "<h1" not in found.html


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ("title: Issue #42 of 'it'", "Issue #42 of 'it'"),
        ("title: #周末# 去哪儿", "#周末# 去哪儿"),
        ("title: C# # of the tide", "C#"),
        ('title: "\\ud83d\\ude00 \\u6f6e"', "😀 潮"),
        ("title: Salt &amp; <em>sand</em>", "Salt & sand"),
        ("title: if a<b and c>d", "if a<b and c>d"),
        ("标题：潮\n日期：2021-12-07", "潮"),
    ],
)
def test_titles_as_people_mean_them(lines: str, title: str, read_one: Any) -> None:
    """A hashtag is no comment, halves of an emoji are one, and markup is none of a title's text."""
    assert read_one(head(lines)).title == title


@pytest.mark.parametrize(
    ("named", "lines"),
    [("yaml", "title: x"), ("toml", 'title = "x"'), ("json", '{"title": "x"}')],
)
def test_a_fence_that_names_its_syntax(named: str, lines: str, read_one: Any) -> None:
    """`---toml` and its like, as gray-matter has them."""
    found = read_one(f"---{named}\n{lines}\n---\ntext\n".encode())
    assert (found.title, found.html) == ("x", "<p>text</p>")


def test_authors_and_covers_of_heads(read_one: Any) -> None:
    """Authors with an address of mail or between Chinese commas, and a cover in a table."""
    found = read_one(head("title: x\nauthor: Mo Ek <mo@a.example>\ncover:\n  image: /a.jpg"))
    assert ([one.name for one in found.authors], found.image) == (["Mo Ek"], "/a.jpg")
    assert [one.name for one in read_one(head("title: x\nauthor: 李昂、王五")).authors] == [
        "李昂",
        "王五",
    ]
    assert read_one(head("title: x\ntags: [a, b")).tags == ("a", "b")


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("他说**“涨停。”**然后走了", "<p>他说<strong>“涨停。”</strong>然后走了</p>"),
        ("**注意：**今天[停盘](/a)", '<p><strong>注意：</strong>今天<a href="/a">停盘</a></p>'),
        ("说*“涨。”*和__“跌。”__了", "<p>说<em>“涨。”</em>和<strong>“跌。”</strong>了</p>"),
        ("2**(n)**3", "<p>2**(n)**3</p>"),
        ("用 `<p>` 标签", "<p>用 <code>&lt;p&gt;</code> 标签</p>"),
        ("##潮\n\n###水", "<h2>潮</h2>\n<h3>水</h3>"),
        ("#潮 is a tag", "<p>#潮 is a tag</p>"),
        ("::: tip 注意\n潮\n:::", "<p>注意</p>\n<p>潮</p>"),
        ("> [!NOTE]\n> Tide.", "<blockquote>\n<p>Tide.</p>\n</blockquote>"),
        ("## Tide {#t}\n\nEbb.\n{: .n}", "<h2>Tide</h2>\n<p>Ebb.</p>"),
        ('[a](/b){:target="_blank"}, c', '<p><a href="/b">a</a>, c</p>'),
        ("* TOC\n{:toc}\n\nEbb.", "<p>Ebb.</p>"),
        ("![[a b.png|300]]", '<p><img src="a%20b.png" alt="" /></p>'),
        ("[[Tide|high]] [[Ebb]] [[1]](/a)", '<p>high Ebb <a href="/a">[1]</a></p>'),
        ("![a](/b c.png) ![d](/e.png =30x20)",
         '<p><img src="/b%20c.png" alt="a" /> <img src="/e.png" alt="d" /></p>'),
        ("```\n##a\n::: b\n[[c]]\n```", "<pre><code>##a\n::: b\n[[c]]\n</code></pre>"),
    ],
)  # fmt: skip
def test_dialects_of_markdown(body: str, html: str, read_one: Any) -> None:
    """Signs of Chinese Markdown, VuePress, kramdown, GitHub and Obsidian are no text."""
    assert read_one(head("title: x", f"{body}\n")).html == html


def test_only_the_bad_line_is_read_by_hand(read_one: Any) -> None:
    """One line that YAML refuses spoils no other key, and is named in a warning."""
    found = read_one(
        head(
            'tags: [a, "b, c"]\ntitle: "a "b" c"\nauthor:\n  - name: Ana\n    url: https://a.example/'
        )
    )
    assert found.tags == ("a", "b, c")
    assert found.authors[0].url == "https://a.example/"
    assert found.warnings == ("head: front matter is not valid YAML; read line by line: title",)


def test_keys_that_slipped_to_the_right(read_one: Any) -> None:
    """A key below one with a value is no part of that value."""
    found = read_one(head("title: x\n date: 2021-12-07\n tags: [a]"))
    assert (found.title, found.dates[0].text, found.tags) == ("x", "2021-12-07", ("a",))


def test_list_below_a_refused_key(read_one: Any) -> None:
    """A list that YAML refuses is read item by item."""
    assert read_one(head("title: x\ncategories:\n - @one\n - 'two'")).tags == ("@one", "two")


@pytest.mark.parametrize(
    "body", ["<div>\n---\ntitle: y\n---\n</div>", "a\n\n---\n\nb", "---\n", "...\nafter"]
)
def test_the_first_closing_line_ends_the_head(body: str, read_one: Any) -> None:
    """`---` lines in the body are the body's."""
    found = read_one(head("title: x", body))
    assert found.title == "x"
    assert found.extra == {}


def test_aliases_are_bounded() -> None:
    """A head that doubles itself by aliases is refused; a table that holds itself, too."""
    laughs = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(40))
    assert load(laughs)["b39"] == [["x", "x"]] * 2
    doubling = "b0: &b0 [x]\n" + "".join(
        f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 40)
    )
    with pytest.raises(Unreadable, match="repeat more than 10000"):
        load(doubling)
    with pytest.raises(Unreadable, match="nowhere"):
        load("a: &a [*a]")


def test_depth_is_bounded() -> None:
    """Nothing deeper than MAX_DEPTH is read."""
    assert load("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    with pytest.raises(Unreadable, match="deeper"):
        load("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_image_of_many(read_one: Any) -> None:
    """The first image counts; another one goes to `extra`, the same one does not."""
    found = read_one(head("title: x\nthumbnail: /b.png\nheadimg: /a.png\ncover: /a.png"))
    assert found.image == "/a.png"
    assert found.extra == {"thumbnail": "/b.png"}


def test_publisher_and_source_address(read_one: Any) -> None:
    """`source` is the outlet when it is a name and not when it is an address."""
    assert read_one(head("title: x\nsource: 新华社")).publisher.name == "新华社"
    found = read_one(
        head("title: x\nsource: https://a.example/1\noriginal_url: https://b.example/")
    )
    assert (found.publisher, found.external_url) == (None, "https://b.example/")


def test_relative_address_is_no_url(read_one: Any) -> None:
    """A site's own path (Hugo's `url`) is kept as it is written, not as the article's address."""
    found = read_one(head("title: x\nurl: /news/x/\nlink: https://a.example/x"))
    assert found.url == "https://a.example/x"
    assert found.extra == {"url": "/news/x/"}


def test_extra_is_bounded(read_one: Any) -> None:
    """Unknown keys are kept up to a size; the article is read and says what was dropped."""
    found = read_one(head(f"title: x\nsmall: y\nhuge: {'z' * 100_000}\nlast: y"))
    assert found.extra == {"small": "y", "last": "y"}
    assert found.warnings == ("cut: 1 unknown fields were too large and are left out",)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("<div>\n\n    <p>a</p>\n\n**b**</div>", "<div>\n\n    <p>a</p>\n\n**b**</div>"),
        ("<p>a</p>\n\n    <p>b</p>", "<p>a</p>\n\n    <p>b</p>"),
        ("文字<br><br>又一段", "文字<br><br>又一段"),
        ("<img src='x'>\n\n## b\n\n- c", "<img src='x'>\n<h2>b</h2>\n<ul>\n<li>c</li>\n</ul>"),
        ("one *two*", "<p>one <em>two</em></p>"),
        ("　　第一段。\n\n　　第二段。", "<p>第一段。</p>\n<p>第二段。</p>"),
        ("<https://a.example/>", '<p><a href="https://a.example/">https://a.example/</a></p>'),
        ("<mo@a.example>", '<p><a href="mailto:mo@a.example">mo@a.example</a></p>'),
        ("", ""),
    ],
)
def test_html_and_markdown_bodies(body: str, shown: str, read_one: Any) -> None:
    """HTML is taken as it is, Markdown is rendered; which it is, the body tells."""
    assert read_one(head("title: x", body)).html == shown


@pytest.mark.parametrize("line", ["[TOC]", "[[toc]]", "@[TOC](目录)", "  [toc]  "])
def test_tables_of_contents_are_no_text(line: str, read_one: Any) -> None:
    """The line for which an editor shows a table of contents is not in the body; its name in a
    sentence is."""
    data = f"---\ntitle: x\n---\n{line}\n\nText with [TOC] in it.\n"
    assert read_one(data.encode()).html == "<p>Text with [TOC] in it.</p>"


def test_footnotes_keep_their_text(read_one: Any) -> None:
    """A footnote is text, not the address of a link."""
    found = read_one(b"---\ntitle: x\n---\nSaid[^1] so.\n\n[^1]: The note.\n")
    assert found.html == "<p>Said[^1] so.</p>\n<p>[^1]: The note.</p>"


def test_other_blanks_after_keys(read_one: Any) -> None:
    """A non-breaking or a Chinese blank after a key is one; in a title it is part of it."""
    found = read_one("---\ntitle:\u3000潮汐\u3000表\ndate:\xa02021-11-26\n---\nx\n".encode())
    assert (found.title, found.dates[0].text) == ("潮汐\u3000表", "2021-11-26")


@pytest.mark.parametrize("key", ["banner", "thumb", "hero_image"])
def test_covers_of_themes(key: str, read_one: Any) -> None:
    """The names that themes give to a cover."""
    assert read_one(head(f"title: x\n{key}: /a.png")).image == "/a.png"
