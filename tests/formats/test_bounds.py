"""What one input may hold, and what a library raises at damaged ones.

The guard of the costly ones is the time limit on each test: without its mechanism each took
minutes or gigabytes.
"""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from dateparser import DateDataParser
from lxml import etree, html
from markdown_it.parser_inline import ParserInline
from trafilatura import external

from tests.formats.test_archive import article
from worker.errors import Reason, Rejected
from worker.formats import MAX_REFUSALS
from worker.formats.blog_tags import expand_tags
from worker.formats.body import (
    MAX_BODY,
    MAX_MARKDOWN_LINES,
    MAX_MARKUP,
    MAX_OPEN_BRACKETS,
    render_markdown,
    too_large,
)
from worker.formats.body_kind import is_html
from worker.formats.page import headings, headline
from worker.formats.page import tree as page_elements
from worker.formats.page.date_search import MAX_TEXTS
from worker.formats.page.metadata import by_microdata
from worker.formats.page.tree import page_tree, text_content
from worker.model import RawArticle, Refusal
from worker.settings import Limits

pytestmark = pytest.mark.timeout(30)

HEAD = b"---\ntitle: x\n---\n<div>"
MEGA = 1_000_000


def feed(*entries: str, head: str = "") -> bytes:
    items = "".join(f"<item>{entry}</item>" for entry in entries)
    return f'<rss version="2.0"><channel><title>f</title>{head}{items}</channel></rss>'.encode()


def page_by(author: str) -> bytes:
    block = json.dumps({"@type": "NewsArticle", "headline": "x", "author": author})
    script = f'<script type="application/ld+json">{block}</script>'
    return f"<!DOCTYPE html><html><head>{script}</head><body><h1>x</h1><p>y</p></body>".encode()


def reason(read: Any, data: bytes) -> Reason:
    """Why the only article of `data`, or all of it, is refused."""
    try:
        (found,) = read(data)
    except Rejected as error:
        return error.reason
    assert isinstance(found, Refusal)
    return found.reason


@pytest.mark.parametrize("piece", [b"<p>", b"<p>y</p>", b"<br>", b"&amp;", b"&lt;"])
def test_body_of_too_many_tags(piece: bytes, read: Any) -> None:
    """A body of ten megabytes of tags or entities is refused before a tree is made of it."""
    assert reason(read, HEAD + piece * (10 * MEGA // len(piece))) is Reason.TOO_LARGE


def test_body_too_long(read: Any) -> None:
    """A body of more characters than a page may have is refused in every format."""
    text = "y" * (MAX_BODY + 1)
    assert reason(read, HEAD + text.encode()) is Reason.TOO_LARGE
    assert reason(read, json.dumps({"title": "x", "content_html": text}).encode()) is (
        Reason.TOO_LARGE
    )
    assert reason(read, feed(f"<title>x</title><description>{text}</description>")) is (
        Reason.TOO_LARGE
    )


def test_body_with_pictures_inside(read_one: Any) -> None:
    """A picture in a `data:` address is no text, however large it is."""
    picture = b'<img src="data:image/png;base64,' + b"A" * (MAX_BODY + 1) + b'">'
    assert read_one(HEAD + picture).title == "x"


def test_body_of_an_ordinary_size() -> None:
    """A body at the bound of tags is read."""
    assert too_large("<p>" * MAX_MARKUP) is None
    assert too_large("<p>" * (MAX_MARKUP + 1)) is not None


def test_one_large_entry_of_a_feed(read: Any) -> None:
    """An entry that is too large is refused alone."""
    large = "<title>b</title><description>" + "&gt;\n" * 300_000 + "</description>"
    found = read(feed("<title>a</title>", large, "<title>c</title>"))
    assert [getattr(one, "title", None) for one in found] == ["a", None, "c"]
    assert found[1].reason is Reason.TOO_LARGE


def test_text_of_too_many_lines(read: Any) -> None:
    """Ten million lines of text are not made ten million paragraphs."""
    data = json.dumps({"title": "x", "content_text": ">\n" * 10 * MEGA}).encode()
    assert reason(read, data) is Reason.TOO_LARGE


@pytest.mark.parametrize("sign", [b"![", b"|a\n|-\n"])
def test_markdown_at_its_longest(sign: bytes, read: Any) -> None:
    """Markdown that is rendered at all takes seconds, whatever it is made of."""
    assert reason(read, b"---\ntitle: x\n---\ny\n\n" + sign * (900_000 // len(sign))) is (
        Reason.TOO_LARGE
    )


def test_too_many_refusals(read: Any) -> None:
    """A file of nothing but bad articles fills the quarantine with a bounded number of them."""
    lines = b'{"title": "x", "text": "y"}\n' + b"{\n" * (MAX_REFUSALS + 1)
    with pytest.raises(Rejected) as caught:
        read(lines)
    assert caught.value.reason is Reason.TOO_MANY
    assert len(read(lines[:-2])) == MAX_REFUSALS + 1


def test_too_many_tags(read_one: Any) -> None:
    """A million tags are cut to what an article may have."""
    tags = ",".join(map(str, range(MEGA)))
    data = json.dumps({"title": "x", "text": "y", "tags": tags}).encode()
    assert len(read_one(data).tags) == 200


def test_too_many_enclosures(read_one: Any) -> None:
    """The enclosures of one entry are bounded."""
    links = "".join(f'<enclosure url="http://a.example/{n}"/>' for n in range(2000))
    assert len(read_one(feed(f"<title>x</title>{links}")).attachments) == 100


def test_author_of_spaces(read_one: Any) -> None:
    """A byline of spaces in JSON-LD is read in the time of its length (400,000 took an hour)."""
    author = "甲" + " " * 400_000 + "乙"
    assert [one.name for one in read_one(page_by(author)).authors] == ["甲"]
    assert [one.name for one in read_one(page_by("甲  \n 乙")).authors] == ["甲", "乙"]


@pytest.mark.parametrize(
    "block",
    [
        '"' + '\\"' * 300_000,
        '"\\' * 300_000,
        "/*" * 1_000_000,
        "x" + " " * 400_000 + "y",
        "<![CDATA[" + " " * 400_000 + "x",
    ],
    ids=["escaped quotes", "escape at the end", "comments", "spaces", "CDATA and spaces"],
)
def test_faulty_json_ld(block: str, read_one: Any) -> None:
    """JSON-LD that begins a string or a comment again and again is read in linear time."""
    script = f'<script type="application/ld+json">{block}</script>'
    page = f"<!DOCTYPE html><title>A page</title><body>{script}<p>{'One sentence. ' * 40}</p>"
    assert read_one(page.encode()).title == "A page"


def test_element_of_a_feed_with_too_many_attributes(read: Any) -> None:
    """A feed's element with half a million attributes is refused before a parser compares them."""
    attributes = " ".join(f'a{n}="1"' for n in range(500_000))
    data = feed("<title>x</title>").replace(b"<item>", f"<item {attributes}>".encode())
    assert reason(read, data) is Reason.TOO_LARGE


@pytest.mark.parametrize("where", ["head", "entry"])
def test_feed_of_too_many_tags(where: str, read: Any) -> None:
    """A feed of ten megabytes of bare tags is refused before objects are made of them."""
    tags = "<b>" * (10 * MEGA // 3)
    if where == "head":
        assert reason(read, feed("<title>x</title>", head=tags)) is Reason.TOO_LARGE
    else:
        xhtml = f'<title>x</title><content type="xhtml">{tags}</content>'
        assert reason(read, feed(xhtml)) is Reason.TOO_LARGE


@pytest.mark.parametrize("reference", ["&#xD800;", "&#55296;"])
def test_reference_to_half_a_character(reference: str, read: Any) -> None:
    """A reference to a surrogate does not cost the feed its other entries."""
    bad = f"<title>b{reference}</title>"
    found = read(feed("<title>a</title>", bad, "<title>c</title>"))
    assert [one.title for one in found][::2] == ["a", "c"]


def test_namespace_with_spaces(read: Any) -> None:
    """A feed with a namespace that is not an address is read all the same."""
    data = (
        '<feed xmlns="a\u2028b\u2028c"><title>f</title>'
        '<entry><title>a</title><content type="xhtml"><div>b</div></content></entry></feed>'
    )
    (found,) = read(data.encode())
    assert (found.title, found.html) == ("a", "b")


@pytest.mark.parametrize("address", ["http*a://b", "http://a[b", "http://a/%zz"])
def test_namespace_that_is_no_address(address: str, read: Any) -> None:
    """A damaged namespace of a feed costs its other entries nothing: libxml2 refuses it."""
    entry = "<title>a</title><description>b</description>"
    data = f'<rss xmlns="{address}" xmlns:c="{address}"><channel><item>{entry}<c:d/></item><item>'
    assert [one.title for one in read(f"{data}{entry} & <br></item></channel></rss>".encode())] == [
        "a",
        "a",
    ]


@pytest.mark.parametrize("char", ["\x01", "\x0b", "\x1b", "\x1f", "\ufffe", "\uffff"])
def test_control_characters_of_a_page(char: str, read_one: Any) -> None:
    """A control character behind a removed element of a page is a space, no failure."""
    text = f"<p><script></script>{char}The harbour was closed in the storm, they said.</p>"
    page = f"<!DOCTYPE html><title>A{char}</title><h1>A</h1><nav></nav>{char}{text * 8}"
    assert read_one(page.encode()).html.count("The harbour") == 8


def test_headings_within_each_other(read_one: Any) -> None:
    """A heading that is taken out with the one around it is no bug."""
    page = b"<!DOCTYPE html><title>A</title><h1>A<h1></h1></h1><p>Text.</p>"
    assert "Text." in read_one(page).html


def zipped(*contents: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.md", content)
    return packed.getvalue()


def test_zip_that_points_before_itself(read: Any) -> None:
    """A member whose place is before the archive's beginning is damaged, alone."""
    whole = zipped(article("A"), article("B"))
    broken = whole[50:]  # the directory now names places 50 bytes too late
    found = read(b"PK\x03\x04" + broken[4:])
    assert [type(one) for one in found] == [Refusal, RawArticle]
    assert found[0].reason is Reason.BROKEN_ARCHIVE


def test_zip_member_without_a_name(read: Any) -> None:
    """A member whose name is empty is read as any other (zipfile raises an IndexError)."""
    packed = zipped(article("A"), article("B")).replace(b"0.md", b"\x00.md")
    assert [one.title for one in read(packed)] == ["A", "B"]


def test_zip_of_one_member_many_times(read: Any) -> None:
    """Members that share their bytes are refused: by the ratio, 5 KB unpacked to 256 MB, or each
    by newer versions of zipfile, which find that they overlap."""
    one = zipped(b"# t\n\n" + b"x" * 5 * MEGA)
    directory, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    entries = one[directory:end] * 1000
    tail = bytearray(one[end:])
    tail[8:12] = (1000).to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    try:
        results = read(one[:directory] + entries + bytes(tail))
    except Rejected as refusal:
        results = [refusal]
    assert "250 times" in str(results[0]) or all(isinstance(one, Refusal) for one in results[:-1])


@pytest.mark.parametrize(
    "piece",
    ["{% ", "{{", "{{< ", "```a\n{%", "{% raw %}", "<pre>{%", "`{%", "{% blockquote %}", "{{   "],
)
def test_template_tags_cost_one_pass(piece: str) -> None:
    """Half a megabyte of template tags, open or closed, takes less than two seconds of CPU."""
    started = time.process_time()
    expand_tags(piece * (500_000 // len(piece)))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "piece", ["<p>", "</b><a>", "<!--", "<a", "<i>\n\n", "<div>\n\n</div>\n\n"]
)
def test_the_kind_of_a_body_is_cheap(piece: str) -> None:
    """Two megabytes of markup are told to be HTML or Markdown in less than two seconds of CPU."""
    started = time.process_time()
    is_html("<p>" + piece * (2_000_000 // len(piece)))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("piece", ["[^\n", "![", "[[x ", "[`", "*[a", "[\\]"])
def test_brackets_without_an_end(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a bracket is looked for a bounded number of times; links before it are read."""
    steps = 0
    skip = ParserInline.skipToken

    def counted(self: ParserInline, state: Any) -> None:
        nonlocal steps
        steps += 1
        skip(self, state)

    monkeypatch.setattr(ParserInline, "skipToken", counted)
    html = render_markdown("[a](/b)\n\n" + piece * 30_000)
    assert html.startswith('<p><a href="/b">a</a></p>')
    assert steps < 100 * MAX_OPEN_BRACKETS


def test_markdown_of_too_many_lines(read: Any) -> None:
    """Markdown of more lines than any article is refused: each item of a list costs 40 µs."""
    items = b"---\ntitle: x\n---\ny\n\n" + b"- a\n" * (MAX_MARKDOWN_LINES + 1)
    assert reason(read, items) is Reason.TOO_LARGE


@pytest.mark.parametrize("tag", ["script", "b", "p", "ul", "td", "time", "svg"])
def test_page_of_many_removed_elements(tag: str, read_one: Any) -> None:
    """However many elements are in one, the text between them is joined in small parts."""
    inside = "".join(f"<{tag}></{tag}>word{number} " for number in range(5_000))
    page = f"<!DOCTYPE html><title>A page</title><body><h1>A page</h1><div>{inside}</div>"
    tree = page_tree(page, Limits())
    between = [
        len(element) * sum(len(child.tail or "") for child in element)
        for element in tree.iter(etree.Element)
    ]
    assert max(between) < 1_000_000
    assert text_content(tree).split()[-1] == "word4999"
    assert "word4999" in read_one(page.encode()).html


def test_a_large_table_stays_one() -> None:
    """Of rows with nothing but white space between them none is put into another element."""
    rows = "".join(f"<tr><td>{number}</td></tr>{' ' * 40}" for number in range(2_000))
    tree = page_tree(f"<!DOCTYPE html><body><table>{rows}</table>", Limits())
    assert len(tree.find(".//table")) == 2_000


def test_a_large_page_is_not_given_to_justext(
    read_one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """justext, which takes quadratic time over short paragraphs, does not see thousands of them."""
    sizes = []
    classify = external.revise_paragraph_classification

    def counted(paragraphs: list[Any], distance: int) -> None:
        sizes.append(len(paragraphs))
        classify(paragraphs, distance)

    monkeypatch.setattr(external, "revise_paragraph_classification", counted)
    for count, paragraphs in ((10, 1), (8_000, 8)):
        cells = "".join(f"<td></td>t{number} " for number in range(count))
        text = "<p>The harbour was closed in the storm, they said.</p>" * paragraphs
        read_one(f"<!DOCTYPE html><title>A</title><h1>A</h1><article>{text}{cells}".encode())
    assert sizes
    assert max(sizes) < 5_000


def test_many_times_in_one_line(read_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of `time` elements in one line, the text around each is not read whole."""
    reads = 0
    texts_in = page_elements.texts_in

    def counted(element: Any) -> Any:
        nonlocal reads
        for text in texts_in(element):
            reads += 1
            yield text

    monkeypatch.setattr(page_elements, "texts_in", counted)
    times = "".join(f"<time></time>t{number} " for number in range(3_000))
    read_one(f"<!DOCTYPE html><title>A</title><body><h1>A</h1><p>{times}</p>".encode())
    assert reads < 100_000


def calls_of(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """The last argument of each call of `owner.name` from now on."""
    calls: list[Any] = []
    real = getattr(owner, name)

    def counted(*arguments: Any) -> Any:
        calls.append(arguments[-1])
        return real(*arguments)

    monkeypatch.setattr(owner, name, counted)
    return calls


def test_dates_that_no_quick_parser_reads(read_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """dateparser, which takes 50 ms a text, reads few texts of a page; what a page read before had
    changes nothing."""
    calls = calls_of(monkeypatch, DateDataParser, "get_date_data")
    text = "<p>The harbour was closed in the storm, they said in the town this morning.</p>"
    times = "".join(f"<p><time>26 Nov {number}</time></p>" for number in range(300))
    page = f"<!DOCTYPE html><title>A</title><h1>A</h1>{text * 8}{times}".encode()
    assert read_one(page).dates == read_one(page).dates == ()
    assert len(calls) == 2 * MAX_TEXTS
    assert calls[:MAX_TEXTS] == calls[MAX_TEXTS:]


def test_class_of_100_000_letters(read_one: Any) -> None:
    """A class without an end is searched in the time of its length (it took a minute)."""
    text = "<p>The harbour was closed in the storm, they said in the town this morning.</p>"
    box = f"<div class='{'x' * 100_000}'>{text}</div>"
    page = f"<!DOCTYPE html><title>A</title><h1>A</h1><article>{text * 8}{box}</article>"
    started = time.process_time()
    assert "harbour" in read_one(page.encode()).html
    assert time.process_time() - started < 5


def test_heading_of_many_elements(read_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heading that is too long for a title is not compared with each of its elements."""
    calls = calls_of(monkeypatch, headings, "text_content")
    inside = "".join(f"<span>word{number} </span>" for number in range(5_000))
    read_one(f"<!DOCTYPE html><title>A</title><h1>{inside}</h1><p>Text.</p>".encode())
    assert len(calls) < 100


@pytest.mark.parametrize("level", ["h1", "h2"])
def test_many_titles(level: str, read_one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of titles, names of the site and headings are not each compared with each."""
    calls = calls_of(monkeypatch, headline, "title_key")
    names = ("og:title", "og:site_name")
    metas = "".join(
        f"<meta property='{name}' content='Harbour {number} closed'>"
        for number in range(1_000)
        for name in names
    )
    headings = "".join(f"<{level}>Harbour {number}</{level}>" for number in range(1_000))
    read_one(f"<!DOCTYPE html><title>A</title>{metas}<body>{headings}<p>Text.</p>".encode())
    assert len(calls) < 40_000


def test_item_from_a_source_without_a_host(read_one: Any) -> None:
    """The damaged address of an item's source costs the item nothing."""
    entry = '<title>a</title><description>b</description><source url="http://[x]/">c</source>'
    assert read_one(feed(entry)).title == "a"


def test_microdata_of_a_removed_text() -> None:
    """A date in microdata is read also where the article's first line is out of the tree."""
    tree = html.document_fromstring(
        "<p itemprop=datePublished>2021-11-26<p itemprop=datePublished>"
    )
    own = html.fragment_fromstring("<p>Text.</p>")
    assert by_microdata(tree, own).dates[0].text == "2021-11-26"
