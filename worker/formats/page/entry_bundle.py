"""An entry of a feed and the pages it links to, as one file: what waits in the spool.

The first line is JSON: the entry, what is known of each page, and what went wrong. The pages'
bytes follow as they came, one behind the other.
"""

from dataclasses import asdict, dataclass
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.model import RawArticle

VERSION = 1


@dataclass(frozen=True, slots=True)
class PagePart:
    """A page as it was fetched; `charset` is what its transport declared."""

    url: str
    data: bytes
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class EntryBundle:
    """An entry and its pages, in their order; `problem` is why there is no (further) page."""

    entry: RawArticle
    pages: tuple[PagePart, ...] = ()
    problem: str | None = None


def pack(capsule: EntryBundle) -> bytes:
    """The capsule as the bytes of a file."""
    header = _Header(
        entry=capsule.entry,
        pages=tuple(_Page(page.url, len(page.data), page.charset) for page in capsule.pages),
        problem=capsule.problem,
    )
    line = orjson.dumps(asdict(header))
    return b"".join((line, b"\n", *(page.data for page in capsule.pages)))


def unpack(data: bytes) -> EntryBundle:
    """The capsule in a file; what a newer version added is passed over.

    Raises Rejected (`malformed`) for anything else, and for one that is cut off.
    """
    line, _, rest = data.partition(b"\n")
    try:
        header = _HEADER.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(map(str, first["loc"])), 60)
        why = printable(first["msg"], 120)
        raise Rejected(
            Reason.MALFORMED,
            f"this is no entry with its pages ({where + ': ' if where else ''}{why}): "
            "let the feed be polled again",
        ) from error
    if sum(page.length for page in header.pages) != len(rest):
        raise Rejected(
            Reason.MALFORMED, "the entry's pages are cut off: let the feed be polled again"
        )
    pages: list[PagePart] = []
    position = 0
    for page in header.pages:
        end = position + page.length
        pages.append(PagePart(page.url, rest[position:end], page.charset))
        position = end
    return EntryBundle(header.entry, tuple(pages), header.problem)


@dataclass(frozen=True, slots=True)
class _Page:
    url: str
    length: Annotated[int, Field(ge=0)]
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class _Header:
    entry: RawArticle
    pages: tuple[_Page, ...] = ()
    problem: str | None = None
    capsule: Annotated[int, Field(ge=1)] = VERSION


_HEADER = TypeAdapter(_Header)
