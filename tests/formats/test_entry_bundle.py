"""An entry and its pages as one file: what goes in comes out, and nothing else is taken for one."""

import json
from dataclasses import fields, replace

import pytest

from worker.errors import Reason, Rejected
from worker.formats.page.entry_bundle import EntryBundle, PagePart, pack, unpack
from worker.model import Attachment, DateText, Person, Publisher, RawArticle

ENTRY = RawArticle(
    parser="feed",
    html="<p>渡轮\n改线</p>",
    title="渡轮改线 \u2028 \U0001f6a2",
    dates=(DateText("2021-12-08", "feed:published"), DateText("x", "feed:updated")),
    modified=(DateText("2021-12-09", "feed:updated"),),
    authors=(Person("李在山", "https://a.example/li"), Person("王五")),
    editor="尹世杰",
    publisher=Publisher("港口日报", "https://a.example/"),
    tags=("港口", "交通"),
    language="zh",
    url="https://a.example/1",
    canonical_url="https://a.example/1",
    external_url="https://b.example/1",
    base_url="https://a.example/",
    feed_url="https://a.example/feed",
    guid="tag:a.example,2021:1",
    summary="s",
    image="https://a.example/1.jpg",
    attachments=(Attachment("https://a.example/1.mp3", "audio/mpeg", "t"),),
    extra={"guid": "x", "n": 3, "deep": {"list": [1, None, True, 0.5]}},
    warnings=("w",),
    site="sina",
    member="m",
    merged={"title": "feed"},
    has_run_time=True,
)
PAGES = (
    PagePart(
        "https://a.example/1",
        b"\n\x00\xff<html>\n",
        "gb2312",
        '"e1"',
        "Fri, 26 Nov 2021 12:00:00 GMT",
    ),
    PagePart("https://a.example/2", b""),
    PagePart("https://a.example/3", b"{}\n" * 5, None),
)


def test_every_field_is_set() -> None:
    """The entry above has no field at its default, so that a new one is not forgotten here."""
    assert [f.name for f in fields(ENTRY) if getattr(ENTRY, f.name) in (f.default, {})] == []


@pytest.mark.parametrize(
    "bundle",
    [
        EntryBundle(ENTRY, PAGES),
        EntryBundle(ENTRY, PAGES[:1], "the server answers 503"),
        EntryBundle(RawArticle("feed", ""), (), "no"),
    ],
)
def test_what_goes_in_comes_out(bundle: EntryBundle) -> None:
    """Every field of the entry, and every byte of its pages."""
    assert unpack(pack(bundle)) == bundle


def test_newer_version() -> None:
    """What a newer version added, anywhere, is passed over."""
    line, _, rest = pack(EntryBundle(ENTRY, PAGES)).partition(b"\n")
    header = json.loads(line)
    header |= {"capsule": 9, "new": {"a": 1}}
    header["entry"]["mood"] = "good"
    header["entry"]["authors"][0]["mail"] = "x"
    header["pages"][0]["paper"] = "y"
    assert unpack(json.dumps(header).encode() + b"\n" + rest) == EntryBundle(ENTRY, PAGES)


def test_older_version() -> None:
    """A field that an older version did not know has its default."""
    line, _, rest = pack(EntryBundle(ENTRY, PAGES)).partition(b"\n")
    header = json.loads(line)
    del header["entry"]["merged"], header["problem"]
    found = unpack(json.dumps(header).encode() + b"\n" + rest)
    assert found == EntryBundle(replace(ENTRY, merged={}), PAGES)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"---\ntitle: x\n---\n",
        b"<html></html>",
        b"[]\n",
        b'{"entry": {"parser": "feed"}}\n',
        b'{"entry": {"parser": "feed", "html": 3}}\n',
        b'{"entry": {"parser": "feed", "html": "", "title": "\\ud800"}}\n',
        b'{"entry": {"parser": "feed", "html": ""}, "pages": [{"url": "x", "length": -1}]}\n',
        pack(EntryBundle(ENTRY, PAGES))[:-1],
        pack(EntryBundle(ENTRY, PAGES)) + b"x",
        pack(EntryBundle(ENTRY, PAGES))[:100],
        b'{"a":' * 100_000,
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """Anything but a complete bundle is refused as malformed."""
    with pytest.raises(Rejected) as caught:
        unpack(data)
    assert caught.value.reason is Reason.MALFORMED
