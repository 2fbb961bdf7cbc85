"""How the tests of normalizing make a record of a few words."""

from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest

from worker.model import Article, DateText, Profile, Provenance, RawArticle
from worker.normalize import Normalized, normalize
from worker.normalize.body.fragment import Body, Fragment
from worker.sites import BodyRule, SiteRule, Sites, load_sites

ROOT = Path(__file__).parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")
SEEN_AT = "2022-05-01T08:00:00Z"


class Make(Protocol):
    """`make(html, title=…, date=…)`: the record; `profile`, `sites` and raw fields can be set."""

    def __call__(self, html: str = ..., **fields: Any) -> Normalized: ...


def profile_with(**fields: Any) -> Profile:
    return Profile(**{"source": "drop", "time_zone": SHANGHAI, "key_zone": SHANGHAI, **fields})


def make(html: str = "<p>正文。</p>", *, date: str | None = None, **fields: Any) -> Normalized:
    profile = fields.pop("profile", None) or profile_with()
    sites = fields.pop("sites", Sites())
    seen_at = fields.pop("first_seen_at", SEEN_AT)
    if date is not None:
        fields.setdefault("dates", (DateText(date, "front-matter:date"),))
    raw = RawArticle(**{"parser": "front-matter", "html": html, "title": "题目", **fields})
    provenance = Provenance(source=profile.source, kind="folder")
    return normalize(
        raw, profile=profile, sites=sites, provenance=provenance, first_seen_at=seen_at
    )


def article(html: str = "<p>正文。</p>", **fields: Any) -> Article:
    return make(html, **fields).article


def body(
    html: str, *, base_url: str | None = None, ticker_hints: bool = False, **rule: Any
) -> Body:
    """A body cleaned by a rule of these fields."""
    return Fragment(html).clean(BodyRule(**rule), base_url=base_url, ticker_hints=ticker_hints)


def site(**fields: Any) -> Sites:
    """One rule, chosen by the author `某站`."""
    from worker.sites import Match

    return Sites((SiteRule(**{"name": "site", "match": Match(authors=("某站",)), **fields}),))


@pytest.fixture(scope="session")
def shipped() -> Sites:
    return load_sites([ROOT / "config" / "sites"])


@pytest.fixture(scope="session")
def samples() -> Path:
    folder = ROOT.parent / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the samples are not here")
    return folder
