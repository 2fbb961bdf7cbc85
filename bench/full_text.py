"""The figure of full text: whole pages read in a second by one core, and what finding their text
takes of it.

CPU time of one process over the public pages beside the project, without their addresses, so that
no site rule applies and trafilatura and readability look for every body.
"""

import gzip
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from bench.figure import Figure
from bench.rate import SAMPLES
from worker.errors import Rejected
from worker.formats import ParseContext
from worker.formats.encoding.decode import decode
from worker.formats.page.extraction import article_text
from worker.formats.page.parser import parse_page
from worker.model import Document, Profile
from worker.settings import Limits
from worker.sites import Sites

PAGES = 120


def full_text(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` reads a fifth of the pages."""
    files = sorted((SAMPLES / "pages").glob("*.html.gz"))[: PAGES // 5 if quick else PAGES]
    if not files:
        say("fulltext: skipped, the samples are not beside the project")
        return []
    say(f"fulltext: {len(files)} pages")
    pages = [gzip.decompress(path.read_bytes()) for path in files]
    zone = ZoneInfo("UTC")
    context = ParseContext(Profile("bench", zone, zone), Sites(), Limits())
    for page in pages:
        _read(
            page, context
        )  # imports: that of dateparser takes 1.2 s, at the first page that needs it
    spent = 0.0

    def timed(tree: Any) -> str:
        nonlocal spent
        begun = time.process_time()
        text = article_text(tree)
        spent += time.process_time() - begun
        return text

    with patch("worker.formats.page.body.article_text", timed):
        begun = time.process_time()
        for page in pages:
            _read(page, context)
        seconds = time.process_time() - begun
    rate = len(pages) / seconds
    name = "whole pages read by one core, no site rule"
    parts = {
        "ms a page": 1000 / rate,
        "of it to find the text": 1000 * spent / len(pages),
    }
    return [Figure(name, f"{rate:.1f} pages/s", "–", True, rate, parts)]


def _read(page: bytes, context: ParseContext) -> None:
    try:
        for _ in parse_page(decode(page).text, Document(b""), context):
            pass
    except Rejected:
        return
