"""The public pages of `../shared/samples/pages`: our result for each, as `score-pages` reads it.

`python -m tests.truth.pages RESULTS.jsonl` writes them; `-m` finds the package from the root.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from worker.errors import Rejected
from worker.formats import ParseContext
from worker.formats.encoding.decode import decode
from worker.formats.page.parser import parse_page
from worker.model import Document, Profile, Provenance, RawArticle
from worker.normalize import normalize
from worker.settings import Limits
from worker.sites import Sites

PAGES = Path(__file__).parents[3] / "shared" / "samples" / "pages"
_PROFILE = Profile("truth", ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Shanghai"))
_PROVENANCE = Provenance("truth", "folder")


def results(sites: Sites = Sites(()), folder: Path = PAGES) -> Iterator[dict[str, str | None]]:  # noqa: B008
    """Text, title and date (`YYYY-MM-DD`) of each page; without a site rule as shipped here."""
    for page in json.loads((folder / "expected.json").read_text("utf-8")):
        data = gzip.decompress((folder / page["file"]).read_bytes())
        yield {"file": page["file"], **result(data, page.get("url"), sites)}


def result(data: bytes, url: str | None, sites: Sites) -> dict[str, str | None]:
    """Text, title and date of one page; all None where it is refused."""
    text = decode(data).text
    context = ParseContext(_PROFILE, sites, Limits())
    try:
        (raw,) = parse_page(text, Document(data, "page.html", url=url), context)
        assert isinstance(raw, RawArticle)
        made = normalize(
            raw,
            profile=_PROFILE,
            sites=sites,
            provenance=_PROVENANCE,
            first_seen_at="2026-01-01T00:00:00Z",
        )
    except Rejected:
        return {"text": None, "title": None, "date": None}
    article = made.article
    return {
        "text": article.content_text,
        "title": article.title,
        "date": article.date,
        "date_source": article.date_source,
    }


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as target:
        for row in results():
            target.write(json.dumps(row, ensure_ascii=False) + "\n")
