"""JSON-LD as sites write it: with faults, with several articles, with outlets as authors."""

import json

import pytest

from tests.formats.page.test_body import HEAD, TEXT, page
from tests.formats.pages import Parse
from worker.model import Person, Publisher

NODE = {"@type": "NewsArticle", "headline": "Pilots return to work", "datePublished": "2021-11-26"}
WRITTEN = json.dumps(NODE)


def with_block(block: str, kind: str = "application/ld+json", inside: str = HEAD) -> str:
    script = f'<script type="{kind}">{block}</script>'
    return page(f"<article>{inside}{TEXT}</article>").replace("</head>", f"{script}</head>")


@pytest.mark.parametrize(
    "block",
    [
        f"//<![CDATA[\n{WRITTEN}\n//]]>",
        f"/*<![CDATA[*/ {WRITTEN} /*]]>*/",
        f"<!--\n{WRITTEN}\n-->",
        WRITTEN.replace("}", ",}"),
        WRITTEN.replace("}", ', "keywords": ["a", "b", ], }'),
        f"/* made by a plugin */ {WRITTEN}",
        WRITTEN.replace(', "date', ',\n// a comment\n"date'),
        f"{WRITTEN};",
        f"{WRITTEN}\n{WRITTEN}",
        json.dumps({"@graph": [{"@type": "WebSite", "name": "x"}, NODE]}),
        json.dumps([{"@type": "BreadcrumbList"}, NODE]),
        json.dumps({"@type": "WebPage", "mainEntity": NODE}),
        json.dumps({**NODE, "@type": ["http://schema.org/NewsArticle", "Thing"]}),
        WRITTEN.replace('"', "&quot;"),
        json.dumps({"@type": "WebPage", "datePublished": "2021-11-26"}),
    ],
)
def test_faulty_blocks_are_read(block: str, parse: Parse) -> None:
    """Faults that search engines forgive, and all the places where an article may stand."""
    (date,) = parse(with_block(block)).dates
    assert (date.text, date.origin) == ("2021-11-26", "json-ld:datePublished")


@pytest.mark.parametrize("kind", ["application/ld+json; charset=utf-8", "Application/LD+JSON "])
def test_types_of_blocks(kind: str, parse: Parse) -> None:
    """The type of a block may have a parameter and any case."""
    assert parse(with_block(WRITTEN, kind)).dates[0].origin == "json-ld:datePublished"


def test_strings_stay_as_they_are(parse: Parse) -> None:
    """What looks like a comment or a comma too much within a string is text."""
    node = {**NODE, "description": "See https://p.example/x ,} or /* that */"}
    assert parse(with_block(json.dumps(node)[:-1] + ",}")).summary == node["description"]


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("key", ["url", "headline"])
def test_the_pages_own_article_of_several(key: str, position: int, parse: Parse) -> None:
    """Of several articles the one with the page's address, else with its heading, counts."""
    own = {**NODE, "headline": "Pilots return to work"}
    if key == "url":
        own |= {"url": "http://www.p.example/1/?from=x", "headline": "Strike ends"}
    others = [{**NODE, "headline": f"Other {n}", "datePublished": "2020-01-01"} for n in (1, 2)]
    others.insert(position, own)
    html = with_block(json.dumps(others))
    assert parse(html, "https://p.example/1").dates[0].text == "2021-11-26"


@pytest.mark.parametrize(
    ("author", "authors", "publisher"),
    [
        ({"@type": "Person", "name": "Se&aacute;n O&#039;Hara"}, ["Seán O'Hara"], None),
        ({"@type": "Organization", "name": "Port &amp; Sea"}, [], "Port & Sea"),
        (
            [
                {"@type": "Person", "name": "Ann Vera"},
                {"@type": "NewsMediaOrganization", "name": "P"},
            ],
            ["Ann Vera"],
            "P",
        ),
        ("By Ann Vera and Ben Dent", ["Ann Vera", "Ben Dent"], None),
        ([{"name": "Ann Vera"}, {"name": "Ben Dent"}], ["Ann Vera", "Ben Dent"], None),
    ],
)
def test_authors(author: object, authors: list[str], publisher: str | None, parse: Parse) -> None:
    """Persons are authors, an organisation published the article; entities are decoded."""
    article = parse(with_block(json.dumps({**NODE, "author": author})))
    assert article.authors == tuple(Person(name) for name in authors)
    assert article.publisher == (Publisher(publisher) if publisher else None)


@pytest.mark.parametrize(
    "byline",
    [
        "By &lt;a href=&quot;/a&quot;&gt;Ann Vera&lt;/a&gt;, Se&#225;n Murchu and Ben Dent",
        "by Ann Vera, Seán Murchu &amp;amp; Ben Dent",
        "&lt;b&gt;Ann Vera&lt;/b&gt;; Seán Murchu; Ben Dent",
        "Ann Vera、Seán Murchu、Ben Dent",
    ],
)
def test_bylines_with_markup(byline: str, parse: Parse) -> None:
    """Names in an author field are read without its markup and entities."""
    html = page(f"<article>{HEAD}{TEXT}</article>")
    html = html.replace("</head>", f'<meta name="author" content="{byline}"></head>')
    assert [person.name for person in parse(html).authors] == [
        "Ann Vera",
        "Seán Murchu",
        "Ben Dent",
    ]
