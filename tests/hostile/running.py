"""Parse an input as a pool process does: in a process with its bounds."""

import os
import resource
import signal
import unicodedata
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import psutil  # type: ignore[import-untyped]

from worker.model import Article, Profile
from worker.pipeline.bounds import Bounds, limit_memory
from worker.pipeline.extract import EntryReader, ParsedArticle, parse_entry
from worker.settings import Settings
from worker.sites import load_sites
from worker.spool.manifest import Entry, Head

MEMORY_MB = 600
SECONDS = 5.0
_IDLE, _TOO_MUCH = 100_000, 1_000_000
"""KiB of a pool process that has read nothing, and with the worst document."""


@cache
def reader() -> EntryReader:
    zone = ZoneInfo("Asia/Shanghai")
    sites = load_sites([Path(__file__).parents[2] / "config" / "sites"])
    head = Head("", "drop", "drop", "2021-11-26T00:00:00Z")
    return EntryReader(Settings(), sites, lambda _: Profile("drop", zone, zone), head)


def warm_up() -> None:
    """Import what a pool process has imported before it is bounded."""
    for data in (b"<!DOCTYPE html><h1>x</h1><p>y</p>", b"<rss><channel><item><title>x</title>"):
        list(parse_entry(reader(), Entry(0, "warm-up"), data))


def results(data: bytes) -> frozenset[str]:
    """The results of `data`: `read`, reasons, `ended`. Raises AssertionError for a forbidden
    one."""
    from_child, to_parent = os.pipe()
    before = psutil.Process().memory_info().rss // 1024  # the process of many tests is larger
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            answer = ("\n".join(sorted(_results(data)))).encode()
        except BaseException as error:
            answer = f"failed: {error!r}"[:2000].encode()
        finally:
            os.write(to_parent, answer)
            os._exit(0)
    os.close(to_parent)
    with os.fdopen(from_child, "rb") as stream:
        answer = stream.read()
    _, status, usage = os.wait4(child, 0)
    assert usage.ru_maxrss - before < _TOO_MUCH - _IDLE, f"{usage.ru_maxrss - before} KiB more"
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGABRT, signal.SIGSEGV)
        return frozenset({"ended"})
    assert not answer.startswith(b"failed"), answer.decode()
    return frozenset(answer.decode().split("\n"))


def _results(data: bytes) -> set[str]:
    limit_memory(MEMORY_MB)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = set()
    bounds = Bounds(Path("/nonexistent"), SECONDS)
    for item in bounds.each(parse_entry(reader(), Entry(0, "x"), data), is_first_try=False):
        if isinstance(item, ParsedArticle):
            found.add("read")
            check_record(item.normalized.article)
        else:
            found.add(str(item.reason))
            assert is_clean(item.message), item.message
            assert len(item.message) < 1000, item.message
    return found


def is_clean(message: str) -> bool:
    """Whether no character of it moves a cursor or hides text."""
    return not any(unicodedata.category(char) in _HIDDEN for char in message)


_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check_record(article: Article) -> None:
    """A record that a consumer may show as it is."""
    orjson.dumps(article)
    html = (article.content_html or "").lower()
    for forbidden in ("<script", '="javascript:', "<iframe", "<object", "<style", "<form", "<svg"):
        assert forbidden not in html, html[:500]
    assert "\x1b" not in html + article.title
    assert "\x00" not in html + article.title
