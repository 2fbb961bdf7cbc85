"""The title of a page: the heading that the page's other titles agree with."""

from time import process_time

import pytest
from lxml import etree

from tests.formats.page.test_body import PARTS, TEXT, page, text_of
from tests.formats.pages import Parse
from worker.formats.page.passages import locate
from worker.formats.page.pruning import cut_down
from worker.formats.page.site_names import without_outlet, without_site
from worker.formats.page.tree import parse_html

TITLE = "Pilots return to work"
KICKER = f'<h1><!--a--><span class="{{}}">Strike</span><span hidden>: </span>{TITLE}</h1>'


def og(text: str) -> str:
    return f'<meta property="og:title" content="{text}">'


@pytest.mark.parametrize(
    ("title", "head", "inside"),
    [
        (f"{TITLE} | Harbour News", "", f"<h1>{TITLE}</h1>"),
        (f"{TITLE} - Harbour News", "", f"<h1>Harbour News</h1><h2>{TITLE}</h2>"),
        ("Harbour News", og(TITLE), f"<h1>{TITLE}</h1>"),
        ("Home", "", f"<h1>{TITLE}</h1>"),
        (f"News - {TITLE}", og(f"{TITLE} - Harbour News"), ""),
        (f"{TITLE} | Harbour News", og("Pilots return…"), ""),
        (f"{TITLE} | Harbour News", og("Pilots return to wo..."), f"<h1>{TITLE}</h1>"),
        (TITLE, og("Why nineteen ships waited"), f"<h1>{TITLE}</h1>"),
        (f"{TITLE} | Harbour News", og(TITLE), f"<h1><span>Strike</span> {TITLE}</h1>"),
        (f"{TITLE} « Harbour News", "", "<h1>News</h1>"),
        (TITLE, og("Pilots &amp;amp; more"), f"<h1>{TITLE}</h1>"),
        (f"{TITLE} – harbour", "", f"<h1>{TITLE}</h1>"),
        (f"Strike: {TITLE}", og(f"Strike: {TITLE}"), KICKER.format("kicker")),
        (f"Strike: {TITLE}", og(f"Strike: {TITLE}"), KICKER.format("entry-title__toptitle")),
        (f"At sea - {TITLE}", "", f"<h2><span>At sea</span><span>{TITLE}</span></h2>"),
    ],
)
def test_titles_agree(title: str, head: str, inside: str, parse: Parse) -> None:
    """Heading, metadata and `title` are compared; site names are cut, a cut title is completed."""
    site = '<meta property="og:site_name" content="Harbour News">'
    text = page(f"{inside}<div>{TEXT}</div>", title).replace("</title>", f"</title>{site}{head}")
    assert parse(text, "https://www.harbour.example/1").title == TITLE


@pytest.mark.parametrize(
    ("title", "head", "inside", "expected"),
    [
        *((f"{TITLE}{mark}Harbour News", "", "", TITLE) for mark in (" > ", " ★ ", " \\ ", ": ")),
        (f"Harbour News: {TITLE}", "", "", TITLE),
        ("Harbour: a history of cranes", "", "", "Harbour: a history of cranes"),
        (f"{TITLE} | Harbour News - Seen from the sea", "", "", TITLE),
        (f"{TITLE} - Strikes - Harbour News", "", "", TITLE),
        (f"{TITLE} - The Daily Quay", "", "", TITLE),
        (f"{TITLE} - and why they do", "", "", f"{TITLE} - and why they do"),
        ("领航员复工，港口恢复通航-示例港口网", "", "", "领航员复工，港口恢复通航"),
        (f"{TITLE} | Quay", "", f"<h1><small>Strike</small>{TITLE}</h1>", TITLE),
        (f"{TITLE} | Quay", "", f"<h1>{TITLE} <b>(12)</b></h1>", TITLE),
        ("Port: Ann", "", "<h1><b>Port</b> Ann</h1>", "Port Ann"),
        (
            "领航员复工，港口恢复-论坛",
            "",
            "<h1><a>[港口]</a> 领航员复工，港口恢复</h1>",
            "领航员复工，港口恢复",
        ),
        (f"{TITLE} today", og(f"{TITLE} tod"), "", f"{TITLE} today"),
        ("Harbour News", f'<meta name="title" content="{TITLE}">', "", TITLE),
        (f"Notices {TITLE}", f'<meta name="ArticleTitle" content="{TITLE}">', "", TITLE),
    ],
)
def test_parts_of_titles(title: str, head: str, inside: str, expected: str, parse: Parse) -> None:
    """Names of sites and sections are cut with any sign before them, known or not, and badges of a
    heading that its other titles do not have; a part of the headline stays."""
    site = '<meta property="og:site_name" content="Harbour News">'
    text = page(f"{inside}<div>{TEXT}</div>", title).replace("</title>", f"</title>{site}{head}")
    assert parse(text, "https://www.harbour.example/1").title == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (og("Seán&amp;#039;s boat"), "Seán's boat"),
        (og("Salt &amp;amp; sand"), "Salt & sand"),
        (og("A &lt;b&gt;bold&lt;/b&gt; plan"), "A bold plan"),
        (og("What now..."), "What now..."),
    ],
)
def test_entities_are_decoded(declared: str, expected: str, parse: Parse) -> None:
    """A title that was escaped twice is read; dots that every title has are its own."""
    text = page(f"<div>{TEXT}</div>", "").replace("</title>", f"</title>{declared}")
    assert parse(text).title == expected


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        (
            "Nineteen ships left the harbour this morning",
            "Nineteen ships left the harbour this morning",
        ),
        ("Make our harbour your own", "Strike of pilots"),
    ],
)
def test_titles_for_search_engines(heading: str, expected: str, parse: Parse) -> None:
    """A headline that is seen wins over titles written for search; a claim does not."""
    text = page(f"<h1>{heading}</h1><div>{TEXT}</div>", "Strike of pilots")
    assert parse(text.replace("</title>", f"</title>{og('Strike of pilots')}")).title == expected


@pytest.mark.parametrize(
    ("title", "shared", "inside", "expected"),
    [
        ("Quay Weekly | Local | Tugs are for sale", "", "<p>Tugs are for sale</p>", None),
        ("Harbour Gazette-Tugs are for sale", "", "<b>Tugs are for sale</b>", None),
        ("Tugs are for sale - Quay", "", "<p>Quay</p><p>Tugs are for sale</p>", None),
        (
            "Tugs are for sale - Quay",
            "Tugs are for sale",
            "<div>Tugs are for sale</div><h1>Experts name the causes of the harbour's debts</h1>",
            None,
        ),
        (
            "News of the ships - Quay",
            "Ships of the quay",
            "<p>News of the ships</p><h1>Tugs are for sale since Monday, says the port</h1>",
            "Tugs are for sale since Monday, says the port",
        ),
        (
            "Tugs are for sale for as long as it rains - Quay",
            "Tugs are for sale",
            "<h1>Tugs are for sale for as long as it rains</h1>",
            "Tugs are for sale for as long as it rains",
        ),
        (
            "Tugs are for sale | Quay",
            "Tugs are for sale",
            "<h1>Tugs are for sale, says the port</h1>",
            "Tugs are for sale, says the port",
        ),
    ],
)
def test_lines_that_are_the_title(
    title: str, shared: str, inside: str, expected: str | None, parse: Parse
) -> None:
    """A line that is no heading is the title where `title` has it as a part, and the links to the
    page, too, if there are headings. A heading is not cut to a shorter title for links."""
    text = page(f"<div>{inside}</div><div>{TEXT}</div>", title)
    html = text.replace("</title>", f"</title>{og(shared)}" if shared else "</title>")
    assert parse(html).title == (expected or "Tugs are for sale")


def test_a_property_with_several_names(parse: Parse) -> None:
    """RDFa allows several names in one `property`; Dublin Core's is the title of the work."""
    meta = (
        '<meta property="og:title twitter:title" content="For social networks">'
        '<meta property="x:title dc:title" content="Of the work">'
    )
    text = page(f"<div>{TEXT}</div>", "Untitled").replace("</title>", f"</title>{meta}")
    assert parse(text).title == "Of the work"


def test_a_description_is_no_title(parse: Parse) -> None:
    """`headline` in JSON-LD loses against a heading that `title` has."""
    block = '{"@type": "Article", "name": "Tides", "headline": "rise and fall of the sea"}'
    head = f'<script type="application/ld+json">{block}</script>'
    text = page(f"<h1>Tides</h1><div>{TEXT}</div>", "Tides - Openpedia")
    assert parse(text.replace("</head>", f"{head}</head>")).title == "Tides"


def test_heading_of_another_box(parse: Parse) -> None:
    """The heading of a box below the text is not the title, nor is a hidden one."""
    below = "<div><h1>Newsletter of the week for all</h1></div>"
    hidden = '<h1 class="sr-only">Harbour News of the East</h1>'
    text = page(f"{hidden}<h2>{TITLE}</h2><article>{TEXT}</article>{below}", f"{TITLE} | Harbour")
    assert parse(text).title == TITLE


@pytest.mark.parametrize("below", ["", "<h1>Harbour tours and tickets</h1>"])
def test_a_heading_without_h1(below: str, parse: Parse) -> None:
    """The `h2` next to the text is the title where no `h1` is above it, and nothing agrees with it;
    an `h1` of a box below that merely resembles `title` is not."""
    heading = "After eleven days the harbour has its pilots again"
    boxes = "<div><h2>Find a ship</h2></div>"
    inside = f"{boxes}<div><h2>{heading}</h2>{TEXT}</div><div>{below}</div>"
    assert parse(page(inside, "Harbour tours - News")).title == heading


def test_kicker_and_title_are_one_heading() -> None:
    """A heading with a kicker is not repeated in the text."""
    heading = KICKER.format("kicker")
    tree = parse_html(page(f"<article>{heading}<div>{TEXT}</div></article>"))
    passages = locate(tree.find("body"), f"Strike {TITLE} {' '.join(PARTS)}")
    assert TITLE not in text_of(etree.tostring(cut_down(tree, passages, TITLE, []), encoding=str))


@pytest.mark.parametrize("suffix", ["-新华网", "_腾讯新闻", " - BBC News"])
def test_a_site_that_is_named_nowhere_else(suffix: str, parse: Parse) -> None:
    """A line above the text says where the title ends if the page has no heading."""
    html = page(f"<div class=tt>{TITLE}</div><article>{TEXT}</article>", TITLE + suffix)
    assert parse(html).title == TITLE


@pytest.mark.parametrize("title", ["a|" * 5_000, "w w - " + "A" * 250 + "!"])
def test_names_of_sites_are_searched_in_little_time(title: str) -> None:
    """A title of signs, and a word in capitals behind a dash, took seconds of CPU."""
    begin = process_time()
    assert without_outlet(without_site(title, ["Harbour News"])) == title
    assert process_time() - begin < 1


def test_a_title_that_holds_the_heading_does_not_shorten_it(parse: Parse) -> None:
    """A shorter title counts as the heading's part only with another that is as short: those that
    hold the heading have all of its parts, too."""
    heading = f"{TITLE} after talks"
    html = page(f"<article><h1>{heading}</h1>{TEXT}</article>", f"{heading} | Harbour News")
    assert parse(html.replace("</head>", f"{og(TITLE)}</head>")).title == heading
