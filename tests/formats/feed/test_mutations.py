"""Feeds broken at one place in one entry: the others are read whole, and nothing crashes."""

import random
import time

import pytest

from worker.formats.feed.sections import close_sections
from worker.formats.feed.xml_feed import open_feed
from worker.model import Document, RawArticle
from worker.settings import Limits

ENTRIES = 12
RSS = (
    "<item><title>Title {0} &amp; more</title><link>https://e.example/{0}</link><guid>g-{0}</guid>"
    "<description><![CDATA[<p>Text {0} <b>x</b></p>]]></description><category>c</category></item>\n"
)
ATOM = (
    '<entry><title type="html">Title {0} &amp;amp; more</title><link href="https://e.example/{0}"/>'
    '<id>g-{0}</id><content type="html">&lt;p&gt;Text {0}&lt;/p&gt;</content></entry>\n'
)
INSERTED = (
    *(
        "&",
        "<",
        "<b",
        "< 3",
        "&nbsp;",
        "&foo;",
        "</p>",
        "<p>",
        "<br>",
        "\x00",
        "\x0b",
        "]]>",
        "<!--",
    ),
    *(
        "<![CDATA[",
        "-->",
        "</item>",
        "</entry>",
        "<item>",
        "&#0;",
        "&#xD800;",
        "&#146;",
        "<?php ?>",
    ),
    *('"', "'", '<a href="x', "<x:y>", "</x:y>", "<!DOCTYPE a>", "=", "/>", "<title>", "</title>"),
    *("\ufffe", "</description>", "</content>"),
)


def whole(kind: str) -> str:
    entries = "".join((RSS if kind == "rss" else ATOM).format(n) for n in range(ENTRIES))
    if kind == "rss":
        return f'<rss version="2.0"><channel><title>W</title>{entries}</channel></rss>'
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>W</title>{entries}</feed>'


def mutated(chance: random.Random, text: str, number: int) -> str:
    """A few characters put in, taken out or replaced, within the entry of that number."""
    begin, end = text.index(f"Title {number}"), text.index(f"Text {number}") + 6
    place = chance.randrange(begin, end)
    kind = chance.random()
    if kind < 0.7:
        return text[:place] + chance.choice(INSERTED) + text[place:]
    if kind < 0.85:
        return text[:place] + text[place + chance.randrange(1, 8) :]
    return text[:place] + chr(chance.randrange(1, 0x2FFF)) + text[place:]


def others_missing(text: str, number: int) -> list[int]:
    """The entries but that of this number that are not read with their title and text."""
    feed = open_feed(text, Document(text.encode("utf-8", "replace")), Limits())
    read = [feed.read(place) for place in range(len(feed.elements))]
    found = {
        one.title: one.html for one in read if isinstance(one, RawArticle) and one.title is not None
    }
    return [
        n
        for n in range(ENTRIES)
        if n != number and f"Text {n}" not in found.get(f"Title {n} & more", "")
    ]


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_a_broken_entry_costs_no_other(kind: str) -> None:
    """In each of 250 feeds with one broken entry all others are read."""
    text, lost = whole(kind), {}
    for seed in range(250):
        chance = random.Random(seed)
        number = chance.randrange(ENTRIES - 1)
        if missing := others_missing(mutated(chance, text, number), number):
            lost[seed] = missing
    assert lost == {}


@pytest.mark.parametrize(
    ("broken", "closed"),
    [
        ("<a><![CDATA[x]]></a>", "<a><![CDATA[x]]></a>"),
        ("<a><![CDATA[x</a></item>", "<a><![CDATA[x]]></a></item>"),
        (
            "<a><![CDATA[x</a></item><a><![CDATA[y]]></a>",
            "<a><![CDATA[x]]></a></item><a><![CDATA[y]]></a>",
        ),
        ("<a><![CDATA[</item><item>]]></a>", "<a><![CDATA[</item><item>]]></a>"),
        ("<a>x<!-- y</a></item>", "<a>x y</a></item>"),
        ("<a>x<!-- y</a></item><!-- z -->", "<a>x y</a></item><!-- z -->"),
        ("<!-- <item></item> -->", "<!-- <item></item> -->"),
    ],
)  # fmt: skip
def test_sections(broken: str, closed: str) -> None:
    """A section that nothing closes ends with its element; one that quotes markup stays."""
    assert close_sections(broken) == closed


@pytest.mark.parametrize("opener", ["<a><![CDATA[", "<!--", "</item><![CDATA[", "<![CDATA[</item>"])
def test_many_sections_cost_linear_time(opener: str) -> None:
    """50,000 openings take a second or two at most."""
    started = time.process_time()
    close_sections(opener * 50_000)
    assert time.process_time() - started < 2.5
