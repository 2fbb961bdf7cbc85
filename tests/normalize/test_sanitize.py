"""Hostile HTML: nothing in a record's HTML can run, load or style anything."""

import json
import re
from dataclasses import asdict

import pytest
from bs4 import BeautifulSoup

from tests.normalize.conftest import article, body
from worker.normalize.body.sanitize import ALLOWED

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//e.cn/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://a.cn/1.jpg' onload=alert(1) style='x:expression(1)'>",
    "<img src=`javascript:alert(1)`>",
    '<img """><script>alert(1)</script>">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java&#x09;script:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='javascript://a.cn/%0aalert(1)'>x</a><img src='ftp://a.cn/1.jpg'>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='https://a.cn/' onclick='alert(1)' target=_blank>x</a>",
    "<a href='https://cors.x.dev/?javascript:alert(1)'>x</a>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)><embed src=javascript:alert(1)></object>",
    "<applet code=x></applet><base href=javascript:alert(1)//>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=javascript:alert(1)>",
    "<style>@import'javascript:alert(1)';</style>",
    "<div style='background:url(javascript:alert(1))' class=x id=y>x</div>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<table background=javascript:alert(1)><td background=javascript:alert(1)>x</table>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
    "<xmp><img title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<isindex action=javascript:alert(1) type=image>",
    "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
    "<img src=x:x onerror\x0b=alert(1)>",
    "<a\x0chref=javascript:alert(1)>x",
    "<div>" * 300 + "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "<marquee onstart=alert(1)>x</marquee><button formaction=javascript:alert(1)>x</button>",
]
_SAFE_URL = re.compile(r"https?://|mailto:")


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_executable_comes_through(html: str) -> None:
    """Only elements and attributes of the table come out, and only http and mailto addresses."""
    made = body(html, base_url="https://a.cn/")
    for tag in BeautifulSoup(made.html, "html.parser").find_all(True):
        assert tag.name in ALLOWED
        assert set(tag.attrs) <= set(ALLOWED[tag.name])
        for name in ("href", "src"):
            assert _SAFE_URL.match(str(tag.get(name, "https://")))
    for address in (*(link.url for link in made.links), *(image.url for image in made.images)):
        assert _SAFE_URL.match(address)


def test_the_table_is_complete() -> None:
    """What the table allows comes through as it is: emphasis, tables, lists, code, ruby."""
    html = (
        '<h2>题</h2><p><em>斜</em><strong>粗</strong><ruby>漢<rt>かん</rt></ruby></p>'
        '<table><tbody><tr><td colspan="2">格</td></tr></tbody></table>'
        '<ol start="3"><li>三</li></ol><pre><code>x &lt; y</code></pre>'
        '<a href="https://a.cn/" title="t">链</a>'
    )  # fmt: skip
    assert body(f"<div>{html}</div>").html == f"<div>{html}</div>"


@pytest.mark.parametrize(
    "html",
    [
        "<div><p> a&#27; </p></div>",
        "<p>　　&#27;a</p><p>&#x1b;[31m&#0;&#8238;b&rlm;</p>",
        "<p>a<b>&#27;</b>&#27; </p>",
        '<figure><img src="https://a.cn/c.jpg"><figcaption>x&#27;y &#x202e</figcaption></figure>',
        '<a href="https://a.cn/&#x202e;x">li&#27;nk</a>',
    ],
)
def test_references_to_unfit_characters_come_to_nothing(html: str) -> None:
    """A control or bidirectional character that is written as a reference is in no field."""
    made = article(html, title="题", date="2021-11-26")
    text = json.dumps(asdict(made), ensure_ascii=False)
    assert not any(char in text for char in "\x1b\x00\u202e\u200f")
    assert "\\u001b" not in text


def test_references_that_stand_for_markup_stay_text() -> None:
    """`&lt;` and `&#60;` are text in the HTML, whatever is taken out beside them."""
    made = article("<p>&#27;&#60;script&#62;&lt;b&gt; &amp;#27; &#8364;</p>", title="题")
    assert made.content_text == "<script><b> &#27; €"
    assert "<script" not in made.content_html


def test_where_a_feed_is_said_to_be_is_an_address_or_nothing() -> None:
    """A feed's own address is cleaned like every other."""
    bad = article(feed_url="javascript:alert(1)")
    good = article(feed_url="https://a.cn/feed\u202e.xml")
    assert bad.provenance.feed_url is None
    assert good.provenance.feed_url == "https://a.cn/feed.xml"
