"""A feed entry and the pages it links to, as one file in the spool.

The first line is JSON: the entry, the address, length, charset and validators of each page, and
the problem if there is one. The pages' bytes follow, concatenated.
"""

from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.model import RawArticle

VERSION = 1


@dataclass(frozen=True, slots=True)
class PagePart:
    """A page as fetched; `charset` is what the transport declared. `etag` and `modified` are its
    validators."""

    url: str
    data: bytes
    charset: str | None = None
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class EntryBundle:
    """An entry and its pages, in order; `problem` is why there is no (further) page."""

    entry: RawArticle
    pages: tuple[PagePart, ...] = ()
    problem: str | None = None


def pack(bundle: EntryBundle) -> bytes:
    """The bundle as the bytes of a file."""
    header = _Header(
        entry=bundle.entry,
        pages=tuple(
            _Page(page.url, len(page.data), page.charset, page.etag, page.modified)
            for page in bundle.pages
        ),
        problem=bundle.problem,
    )
    line = orjson.dumps(asdict(header))
    return b"".join((line, b"\n", *(page.data for page in bundle.pages)))


def unpack(data: bytes) -> EntryBundle:
    """The bundle in a file; fields of a newer version are ignored.

    Raises Rejected (`malformed`) for anything else, and for a truncated file.
    """
    line, _, pages_data = data.partition(b"\n")
    try:
        header = _HEADER.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(map(str, first["loc"])), 60)
        why = printable(first["msg"], 120)
        raise Rejected(
            Reason.MALFORMED,
            f"this is not an entry with its pages ({where + ': ' if where else ''}{why}): "
            "poll the feed again",
        ) from error
    if sum(page.length for page in header.pages) != len(pages_data):
        raise Rejected(Reason.MALFORMED, "the entry's pages are cut off: poll the feed again")
    stream = BytesIO(pages_data)
    pages = (
        PagePart(page.url, stream.read(page.length), page.charset, page.etag, page.modified)
        for page in header.pages
    )
    return EntryBundle(header.entry, tuple(pages), header.problem)


@dataclass(frozen=True, slots=True)
class _Page:
    url: str
    length: Annotated[int, Field(ge=0)]
    charset: str | None = None
    etag: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class _Header:
    entry: RawArticle
    pages: tuple[_Page, ...] = ()
    problem: str | None = None
    capsule: Annotated[int, Field(ge=1)] = VERSION


_HEADER = TypeAdapter(_Header)
