"""The written HTML against an oracle: nh3 removes nothing and moves nothing."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import nh3
import pytest

from tests.normalize.conftest import ROOT, body, profile_with
from tests.normalize.test_sanitize import HOSTILE
from worker.errors import Rejected
from worker.formats import ParseContext, parse_document
from worker.model import Document, RawArticle
from worker.normalize.body.sanitize import ALLOWED
from worker.settings import Limits
from worker.sites import Sites

Check = Callable[[str], None]
FOLDERS = ("mirror", "dialects", "heads", "feeds", "encodings", "pages-zh", ".")

PIECES = (
    "<table>", "</table>", "<tr>", "<td>", "</td>", "<th colspan='2\"'>", "<caption>", "<tbody>",
    "<p>", "</p>", "<p class=x>", "<div>", "</div>", "<section>", "<nav>", "<form>", "<legend>",
    "<fieldset>", "<menu>", "<dir>", "<ul>", "<ol start='\"'>", "<li>", "</li>", "<dl>", "<dd>",
    "<dt>", "<h1>", "</h1>", "<h2>", "<pre>\n\n", "</pre>", "<hr>", "<br>", "</br>", "<wbr>",
    "<b>", "</b>", "<i>", "</i>", "<em>", "<span>", "</span>", "<font color=red>", "</font>",
    "<a href=https://a.cn/?x=1&y=\">", "<a href=javascript:x>", "</a>", "<nobr>", "<button>",
    "</button>", "<marquee>", "</marquee>", "<ruby>", "<rt>", "<rp>", "<rb>", "<rtc>", "</ruby>",
    "<math>", "<mi>", "<mtext>", "<td>", "<annotation-xml encoding=text/html>", "</math>", "<svg>",
    "<foreignObject>", "<desc>", "<title>", "</svg>", "<select>", "<option>", "</select>",
    "<template>", "</template>", "<noscript>", "</noscript>", "<style>", "</style>", "<script>",
    "</script>", "<xmp>", "</xmp>", "<plaintext>", "<textarea>", "</textarea>", "<!--", "-->",
    "<![CDATA[", "]]>", "<img src=https://a.cn/1.jpg alt='\"<b>&'>", "<img src=x onerror=a()>",
    "&lt;script&gt;", "&amp;lt;", "&#0;", "&#27;", "&nbsp;", "<", ">", "\"", "'", "\n", " ", "字",
    "<summary>", "<details open>", "<figure>", "<figcaption>", "<image>", "<object>", "</object>",
    "<a href=http://a%20b.cn/>", "<a href=https://xn--a-ecp.cn/>", "<a href=http://1.2.3.4.5/>",
    "<a href=http://a.cn:99999/>", "<img src=https://a\ufffd.cn/1.jpg>",
    "<abbr title='>\"'>", "<time datetime='<'>", "<center>", "<address>", "<frameset>", "<body x>",
)  # fmt: skip


@pytest.fixture(scope="module")
def check() -> Check:
    """Asserts that nh3, which parses and serialises, changes nothing in the HTML."""
    cleaner = nh3.Cleaner(
        tags=set(ALLOWED),
        attributes={"*": set(), **{tag: set(names) for tag, names in ALLOWED.items()}},
        url_schemes={"http", "https", "mailto"},
        clean_content_tags={"script", "style", "template", "iframe", "object", "svg", "textarea"},
        link_rel=None,
        url_relative="pass_through",
        attribute_filter=_no_relative_link,
    )

    def check(html: str) -> None:
        assert _plain(cleaner.clean(html)) == _plain(html), html

    return check


def _no_relative_link(tag: str, attribute: str, value: str) -> str | None:
    """Nothing relative is left but a picture's path in a post that has no address."""
    is_link = attribute in ("href", "src", "cite")
    is_path = tag == "img" and not value.startswith("//")
    return None if is_link and ":" not in value and not is_path else value


def test_what_hostile_bodies_leave_is_clean(check: Check) -> None:
    """Of every hostile body of the table only clean HTML is written."""
    for html in HOSTILE:
        check(body(html, base_url="https://a.cn/").html)


@pytest.mark.parametrize("seed", range(10))
def test_what_fuzzed_bodies_leave_is_clean(check: Check, seed: int) -> None:
    """10,000 random bodies of every kind of markup that a parser moves, closes or repeats."""
    choose = random.Random(seed)
    for _ in range(1000):
        html = "".join(choose.choices(PIECES, k=choose.randrange(2, 25)))
        check(body(html, base_url="https://a.cn/", bold=(".x",)).html)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_samples_leave_is_clean(
    check: Check, samples: Path, shipped: Sites, folder: str
) -> None:
    """The HTML of every sample is clean."""
    for path in sorted((samples / folder).glob("*.*")):
        for raw in _articles(path, shipped):
            check(body(raw.html).html)


def test_what_golden_inputs_leave_is_clean(check: Check, shipped: Sites) -> None:
    """The HTML of every golden input is clean."""
    paths = sorted((ROOT / "tests" / "golden").rglob("*.in"))
    assert paths
    for path in paths:
        for raw in _articles(path, shipped):
            check(body(raw.html).html)


def _articles(path: Path, sites: Sites) -> Iterator[RawArticle]:
    context = ParseContext(profile_with(), sites, Limits())
    try:
        for item in parse_document(Document(path.read_bytes(), path.name), context):
            if isinstance(item, RawArticle):
                yield item
    except Rejected:
        return


def _plain(html: str) -> str:
    """`html` in one spelling: nh3 writes other references, and no white space around."""
    for reference, char in (("&quot;", '"'), ("&#x27;", "'"), ("&nbsp;", "\xa0")):
        html = html.replace(reference, char)
    return html.replace("&lt;", "<").replace("&gt;", ">").strip()
