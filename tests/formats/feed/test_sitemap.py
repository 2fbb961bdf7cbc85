"""News sitemaps: what is an article in them, and what they may cost."""

import subprocess
import sys
from typing import Any

import pytest

from worker.errors import Reason, Rejected
from worker.model import Refusal

NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


def sitemap(*urls: str, doctype: str = "") -> bytes:
    space = f'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {NEWS}'
    inside = "".join(f"<url>{url}</url>" for url in urls)
    return f'<?xml version="1.0"?>{doctype}<urlset {space}>{inside}</urlset>'.encode()


def news(title: str) -> str:
    return f"<loc>https://a.example/1</loc><news:news><news:title>{title}</news:title></news:news>"


def test_a_title_is_enough(read_one: Any) -> None:
    """An entry of title and address is an article without a text."""
    found = read_one(sitemap(news("渡轮改线")))
    assert (found.parser, found.title, found.html) == ("sitemap", "渡轮改线", "")
    assert found.dates == ()


@pytest.mark.parametrize(
    "space", ["", NEWS.replace('0.9"', '0.9/"'), NEWS.replace("http:", "https:")]
)
def test_spellings_of_the_namespace(space: str, read_one: Any) -> None:
    """The address of the namespace may end with a slash, and the prefix may be undeclared."""
    assert read_one(sitemap(news("Tide")).replace(NEWS.encode(), space.encode())).title == "Tide"


def test_entities_are_refused(read: Any) -> None:
    """A sitemap that declares entities is refused before the parser sees it."""
    doctype = '<!DOCTYPE urlset [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    with pytest.raises(Rejected, match="remove its DOCTYPE") as caught:
        read(sitemap(news("&x;"), doctype=doctype))
    assert caught.value.reason is Reason.UNSAFE


def test_without_addresses(read: Any) -> None:
    """A sitemap without any address is empty."""
    with pytest.raises(Rejected) as caught:
        read(sitemap())
    assert caught.value.reason is Reason.EMPTY


def test_control_characters_cost_only_themselves(read: Any) -> None:
    """What XML forbids ends neither the sitemap nor its title."""
    titles = [item.title for item in read(sitemap(news("a\x0bb&#x1;"), news("c")))]
    assert titles == ["ab", "c"]


def test_bad_entry_is_refused_alone(read: Any) -> None:
    """News without a title is a refusal, and those around it are read."""
    found = read(sitemap(news("a"), news(" "), news("c")))
    assert [isinstance(item, Refusal) for item in found] == [False, True, False]


def test_number_is_bounded(read: Any) -> None:
    """A sitemap of more articles than limits.articles is refused."""
    assert len(read(sitemap(*[news("x")] * 20), articles=20)) == 20
    with pytest.raises(Rejected, match="the sitemap has more than 20") as caught:
        read(sitemap(*[news("x")] * 21), articles=20)
    assert caught.value.reason is Reason.TOO_MANY


def test_memory_is_bounded() -> None:
    """Megabytes of elements that say nothing are passed over without a tree of them (0.15 GB)."""
    expected = subprocess.run(
        [sys.executable, "-c", _PEAK], capture_output=True, text=True, check=True, timeout=100
    )
    before, after = map(int, expected.stdout.split())
    assert after - before < 60_000


_PEAK = f"""
import resource
from worker.formats.feed.sitemap import open_sitemap
from worker.model import Document
from worker.settings import Limits
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
text = {sitemap(news("x") + "JUNK").decode()!r}.replace("JUNK", "<a/>" * 1_000_000)
before = peak()
(found,) = open_sitemap(text, Document(b""), Limits())
assert found.title == "x"
print(before, peak())
"""


def test_nested_entries_are_one(read: Any) -> None:
    """An entry within an entry is no article of its own."""
    assert len(read(sitemap(f"<url>{news('x')}</url>" + news("y")))) == 1
