"""How the tests of the parsers read bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.formats.pages import Parse
from worker.formats import ParseContext, parse_document
from worker.formats.page.parser import parse_page
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites, load_sites

Read = Callable[..., list[RawArticle | Refusal]]


@pytest.fixture(scope="session")
def sites() -> Sites:
    """The shipped site rules."""
    return load_sites([Path(__file__).parents[2] / "config" / "sites"])


@pytest.fixture(scope="session")
def read(sites: Sites) -> Read:
    """Every article and refusal of some bytes; keywords `charset`, `url` and those of Limits."""
    zone = ZoneInfo("Asia/Shanghai")
    profile = Profile("drop", zone, zone)

    def read(data: bytes, *, charset: str | None = None, url: str | None = None, **limits: Any):  # type: ignore[no-untyped-def]
        document = Document(data, "x", url=url, charset=charset)
        return list(parse_document(document, ParseContext(profile, sites, Limits(**limits))))

    return read


@pytest.fixture(scope="session")
def read_one(read: Read) -> Callable[..., RawArticle]:
    """The only article of some bytes."""

    def read_one(data: bytes, **options: Any) -> RawArticle:
        (article,) = read(data, **options)
        assert isinstance(article, RawArticle)
        return article

    return read_one


@pytest.fixture(scope="session", name="parse")
def parse_of_pages(sites: Sites) -> Parse:
    """The article of a page; keywords `url`, `sites`, `site` and those of Limits."""

    zone = ZoneInfo("Asia/Shanghai")

    def parse(
        text: str,
        url: str | None = None,
        sites: Sites = sites,
        site: str | None = None,
        **limits: Any,
    ) -> RawArticle:
        (article,) = parse_page(
            text,
            Document(text.encode("utf-8", "replace"), "page.html", url=url),
            ParseContext(Profile("drop", zone, zone, site=site), sites, Limits(**limits)),
        )
        assert isinstance(article, RawArticle)
        return article

    return parse
