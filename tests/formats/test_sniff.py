"""Formats are detected from content."""

import gzip

import pytest

from worker.errors import Reason, Rejected
from worker.formats import PARSERS, Format, sniff
from worker.formats.sniff import prolog


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"---\ntitle: x\n---\n", Format.FRONT_MATTER),
        (b"\n\n  \n---\r\ntitle: x", Format.FRONT_MATTER),
        (b"\xef\xbb\xbf+++\n", Format.FRONT_MATTER),
        (b"# Title\n", Format.MARKDOWN),
        (b"Title\n-----\n", Format.MARKDOWN),
        (b"text first\n\n## then\n", Format.MARKDOWN),
        (b"[link](x) and\n# Title", Format.MARKDOWN),
        (b"<!-- a --> <!-- b -->\n# Title\n\n<div>x</div>\n", Format.MARKDOWN),
        (b"<!-- a -->\n---\ntitle: x\n---\n", Format.FRONT_MATTER),
        (b"---\rtitle: x\r---\rbody\r", Format.FRONT_MATTER),
        (b"# Title\r\rbody\r", Format.MARKDOWN),
        (b"<!-- a -->\n<div>x</div>", Format.PAGE),
        (b"<!-- a -->\n<rss>", Format.FEED),
        (b"<!DOCTYPE html><title>x</title>", Format.PAGE),
        (b"<html><body>", Format.PAGE),
        (b'<?xml version="1.0"?><!-- a --><html xmlns="x">', Format.PAGE),
        (b"<div>fragment</div>", Format.PAGE),
        (b"<rss version='2.0'>", Format.FEED),
        (b"<?xml version='1.0'?>\n<!-- <html> -->\n<feed xmlns='x'>", Format.FEED),
        (b"<rdf:RDF xmlns:rdf='x'>", Format.FEED),
        (b"<RSS>", Format.FEED),
        (b"<?xml version='1.0'?><urlset>", Format.SITEMAP),
        (b"<s:sitemapindex xmlns:s='x'>", Format.SITEMAP),
        (b'{"title": "x"}', Format.JSON),
        (b'[{"title": "x"}]', Format.JSON),
        (b"[\n]", Format.JSON),
        (b'{"a": 1}\n{"a": 2}\n', Format.NDJSON),
        (b"PK\x03\x04", Format.ZIP),
        (gzip.compress(b"x", mtime=0), Format.GZIP),
        (b"BZh9", Format.BZIP2),
        (b"\xfd7zXZ\x00", Format.XZ),
        (b"\x28\xb5\x2f\xfd", Format.ZSTD),
        (b"a" * 257 + b"ustar\x0000", Format.TAR),
    ],
)
def test_formats(data: bytes, expected: Format) -> None:
    """Each format is detected from its beginning."""
    assert sniff(data) is expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \n\t\xef\xbb\xbf\n", Reason.EMPTY),
        (b"just words\nand lines\n", Reason.UNKNOWN_FORMAT),
        (b"<opml/>", Reason.UNKNOWN_FORMAT),
        (b"\x00\x01\x02\x03" * 20, Reason.NOT_TEXT),
    ],
)
def test_refused(data: bytes, reason: Reason) -> None:
    """What is of no format is refused with a reason and what to do."""
    with pytest.raises(Rejected) as caught:
        sniff(data)
    assert caught.value.reason is reason


def test_every_text_format_has_a_parser() -> None:
    """The table has a row for every format that is not unpacked."""
    packed = {Format.ZIP, Format.TAR, Format.GZIP, Format.BZIP2, Format.XZ, Format.ZSTD}
    assert set(PARSERS) == set(Format) - packed


def test_prolog_steps_over_a_doctype_with_markup() -> None:
    """The first element is found behind comments and an internal subset with `>` in it."""
    text = "<!-- <a> --><!DOCTYPE r [<!ENTITY x '<b>'>]><r:root>"
    name, declarations, start = prolog(text)
    assert (name, text[start:]) == ("root", "<r:root>")
    assert "<!ENTITY" in declarations
