"""Feeds of which only the new entries are parsed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.formats.feed.test_feed import ITEM, ZONED, rss
from worker.errors import Rejected
from worker.formats import ParseContext
from worker.formats.feed import xml_feed
from worker.formats.feed.division import divide
from worker.formats.feed.polled import FeedFile, read_feed
from worker.model import Document, Profile
from worker.settings import Limits
from worker.sites import Sites

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "feed").glob("*.in"))
LONG = "long text " * 500
HEAD = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xml:lang="de"><channel>'

LookUp = Callable[[Sequence[bytes]], Sequence[bool]]
Read = Callable[[bytes, LookUp | None], FeedFile]


@pytest.fixture
def read_polled(sites: Sites) -> Read:
    """The feed in some bytes, polled with a look-up or without."""
    zone = ZoneInfo("Asia/Shanghai")
    context = ParseContext(Profile("wire", zone, zone), sites, Limits())
    return lambda data, look_up: read_feed(
        Document(data, "feed", url="https://a.example/feed"), context, look_up
    )


def nothing(raws: Sequence[bytes]) -> Sequence[bool]:
    return [False] * len(raws)


def all_but_the_last(raws: Sequence[bytes]) -> Sequence[bool]:
    return [True] * (len(raws) - 1) + [False] * bool(raws)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_same_articles(path: Path, read_polled: Read) -> None:
    """Whether all entries are new or only one is, articles, keys and the feed's own fields are
    those of the feed parsed as a whole."""
    data = path.read_bytes()
    whole, new = read_polled(data, None), read_polled(data, nothing)
    one = read_polled(data, all_but_the_last)
    articles = list(whole.articles())
    assert list(new.articles()) == articles
    assert [entry.read() for entry in one.entries[-1:]] == articles[-1:]
    for found in (new, one):
        assert [entry.key for entry in found.entries] == [entry.key for entry in whole.entries]
        assert (found.title, found.hold_seconds) == (whole.title, whole.hold_seconds)


def test_known_entries_are_not_parsed(read_polled: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long texts of known entries come to no parser, and theirs is the raw text of the feed; the
    new entry has the feed's namespaces and language."""
    parsed = list[bytes]()
    real = xml_feed.safe_xml
    monkeypatch.setattr(xml_feed, "safe_xml", lambda data: parsed.append(data) or real(data))
    items = [f"<item><guid>{n}</guid><description>{n} {LONG}</description></item>" for n in "12"]
    new = "<item><title>New</title><dc:creator>Ada</dc:creator></item>"
    feed = read_polled(f"{HEAD}{''.join(items)}{new}</channel></rss>".encode(), all_but_the_last)
    assert not any(b"long text" in data for data in parsed)
    assert [entry.raw.decode() for entry in feed.entries] == [*items, new]
    article = feed.entries[-1].read()
    assert (article.title, article.authors[0].name, article.language) == ("New", "Ada", "de")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a\x01b", "ab"),
        ("a\ufffeb", "ab"),
        ("a&#146;b", "a’b"),
        ("a&#xd83d;&#xde00;b", "a😀b"),
        ("a&nbsp;b", "a\xa0b"),
    ],
    ids=["control", "no character", "windows-1252", "surrogates", "entity"],
)
def test_characters_of_new_entries(written: str, meant: str, read_polled: Read) -> None:
    """What XML forbids in the long text of a new entry is left out or replaced, as in a feed that
    is parsed as a whole; the feed stays divided."""
    item = f"<item><guid>1</guid><title>T</title><description>{LONG} {written}</description></item>"
    data = rss(item)
    feed, whole = read_polled(data, nothing), read_polled(data, None)
    (article,) = feed.articles()
    assert meant in article.html  # type: ignore[union-attr]
    assert [article] == list(whole.articles())
    assert feed.entries[0].raw == item.encode()


def test_attributes_of_new_entries(read_polled: Read) -> None:
    """A feed is refused for too many attributes in a new entry before that is parsed."""
    attributes = " ".join(f'a{number}=""' for number in range(1001))
    item = f"<item><title>T</title><x {attributes}/><description>{LONG}</description></item>"
    with pytest.raises(Rejected, match="1000 attributes"):
        read_polled(rss(item), nothing)


@pytest.mark.parametrize(
    "item",
    [
        "<item><title>Two</title><description>a <b> c</description></item>",
        "<item><title>Two</title><item><title>Three</title></item></item>",
        "<item><title>Two</title><description><![CDATA[cut</description></item>",
        "<x><item><title>Two</title></item></x>",
        "<item/><item><title>Two</title></item>",
    ],
    ids=["broken", "nested", "open CDATA", "deeper", "empty"],
)
def test_whole_feed(item: str, read_polled: Read) -> None:
    """Where a new entry is broken, or the text does not show the entries, the feed is parsed as a
    whole, and the look-up is for the entries that gives."""
    calls = list[Sequence[bytes]]()

    def look_up(raws: Sequence[bytes]) -> Sequence[bool]:
        calls.append(raws)
        return nothing(raws)

    data = rss(ITEM.format("One", 1, ZONED), item)
    feed, whole = read_polled(data, look_up), read_polled(data, None)
    assert list(feed.articles()) == list(whole.articles())
    assert calls[-1] == [entry.raw for entry in whole.entries]


@pytest.mark.parametrize("before", ["", "a[1] ]] ", "] - " * 99], ids=["none", "few", "many"])
def test_quoted_entries(before: str) -> None:
    """Entries quoted in CDATA or comments are none, also behind characters that begin the end of
    both; a feed of too many is not divided."""
    quoting = f"<item><![CDATA[{before}</item><item>]]]><!-- {before}</item> --></item>"
    data = rss(quoting, ITEM.format("One", 1, ZONED))
    divided = divide(data, 2)
    assert divided is not None
    assert divided.entries == [quoting.encode(), ITEM.format("One", 1, ZONED).encode()]
    assert divide(data, 1) is None


def test_bytes_that_are_not_plain_are_decoded_first(read_polled: Read) -> None:
    """Entries are found in the bytes of plain UTF-8 only: others give what the decoded text gives,
    warnings included."""
    plain = rss(ITEM.format("线上", 1, ZONED), ITEM.format("线下", 2, ZONED))
    odd = (
        plain.replace("线上".encode(), b"\xe7\xba"),  # in an entry
        plain.replace(b"<channel>", b"<channel><title>\xe7\xba</title>"),
        plain.replace("线上".encode(), "线\0上".encode()),
        plain.replace("线上".encode(), b"\x1b$B@~>e\x1b(B").replace("线下".encode(), b"x"),
        plain.decode().encode("gb18030"),
        plain.decode("latin-1").encode(),
        b"\xef\xbb\xbf" + plain,
        b"Warning: \xe7\xba\xbf <b>x</b>\n" + plain,
        plain.replace("线上".encode(), "\ufffd线".encode()),
    )
    for data in (plain, *odd):
        whole, divided = read_polled(data, None), read_polled(data, nothing)
        assert list(divided.articles()) == list(whole.articles()), data
        assert (divided.title, len(divided.entries)) == (whole.title, 2), data
    with pytest.raises(Rejected, match="not text"):
        read_polled(plain.replace("线上".encode(), "线\1\2".encode() * 9_000), nothing)
