"""The figure of WARC files: records a second of CPU time against those of bare fastwarc.

The file is as a news crawl writes it: requests and answers, some packed, a gzip member each. Bare
fastwarc reads and unpacks the body of each record; newsdrop also checks digests and chooses pages.
Division into batches and parsing have figures of their own.
"""

import gzip
import hashlib
import random
import tempfile
import time
from base64 import b32encode
from collections.abc import Callable
from pathlib import Path
from statistics import median

from fastwarc.warc import ArchiveIterator

from bench.figure import Figure, at_least
from worker.feeds.catalog import CatalogReader
from worker.formats.warc import read_warc
from worker.model.times import rfc3339
from worker.pipeline.extract import EntryReader, parse_entry
from worker.settings import Limits, load
from worker.settings.clock import utc_now
from worker.sites import Sites
from worker.spool.claim import AcceptedLog, Incoming, batched, claim_bytes
from worker.spool.layout import Root
from worker.spool.manifest import Entry, Head

_PAGES, _ROUNDS, _PARSED = 2_000, 7, 60
_MAX_BYTES = Limits().file_bytes


def warc(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Reading of a made-up crawl; `quick` is a tenth of it, once."""
    pages = _PAGES // 10 if quick else _PAGES
    say(f"warc: {pages} pages with their requests")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crawl.warc.gz"
        path.write_bytes(b"".join(_crawl(pages)))
        bare, ours = list[float](), list[float]()
        _bare(path)
        _ours(path)
        for _ in range(1 if quick else _ROUNDS):  # in turns: the machine is shared
            bare.append(_seconds(lambda: _bare(path)))
            ours.append(_seconds(lambda: _ours(path)))
        division = _seconds(lambda: _divide(path, Path(folder)))
        parsing = _seconds(lambda: _parse(path)) / min(_PARSED, pages)
    records = 2 * pages
    parts = {
        "records/s": records / median(ours),
        "bare": records / median(bare),
        "into batches": records / division,
        "pages parsed/s": 1 / parsing,
    }
    return [
        at_least("warc, records against bare fastwarc", median(bare) / median(ours), 0.5, parts)
    ]


def _seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _bare(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        for record in ArchiveIterator(file, auto_decode="all"):
            record.reader.read()


def _ours(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        for _ in read_warc(file, _MAX_BYTES):
            pass


def _divide(path: Path, folder: Path) -> None:
    """As the pipeline claims the pages: in batches that are synced to the disk."""
    root, accepted = Root(folder / "spool", None), AcceptedLog(folder)
    with path.open("rb", buffering=0) as file:
        found = (item.page for item in read_warc(file, _MAX_BYTES) if item.page)
        pages = (Incoming(page.data, page.url) for page in found)
        for group in batched(
            pages, size_of=lambda one: len(one.data), max_count=100, max_bytes=8_000_000
        ):
            claim_bytes(root, Head.new("warc", "enqueue", utc_now()), group, accepted)


def _parse(path: Path) -> None:
    settings = load()
    head = Head("", "manual", "enqueue", rfc3339(utc_now()))
    reader = EntryReader(settings, Sites(), CatalogReader(settings).profile, head)
    with path.open("rb", buffering=0) as file:
        for number, item in enumerate(read_warc(file, _MAX_BYTES)):
            if item.page:
                for _ in parse_entry(reader, Entry(number, "page"), item.page.data):
                    pass
            if number >= 2 * _PARSED:
                break


def _crawl(pages: int) -> list[bytes]:
    """Requests and answers of about 40 kB; a quarter of them were sent packed."""
    chooser = random.Random(1)
    letters = "abcdefghilmnoprstu"
    words = ["".join(chooser.choices(letters, k=chooser.randint(2, 9))) for _ in range(5000)]

    def text(count: int) -> str:
        return " ".join(chooser.choices(words, k=count))

    records = []
    for number in range(pages):
        url = f"https://news.example/{number}"
        request = f"GET /{number} HTTP/1.1\r\nHost: news.example\r\n\r\n".encode()
        records.append(_record("request", url, request, b""))
        article = "".join(f"<p>{text(60)}.</p>\n" for _ in range(40))
        script = f"<script>{text(3600)}</script>"
        head = f"<title>{number}</title>{script}"
        title = f"<h1>Number {number}</h1>"
        page = f"<!doctype html><html><head>{head}</head><body><article>{title}{article}"
        body = f"{page}</article></body></html>".encode()
        answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        if number % 4 == 0:
            body, answer = gzip.compress(body), answer + "Content-Encoding: gzip\r\n"
        records.append(_record("response", url, f"{answer}\r\n".encode() + body, body))
    return records


def _record(kind: str, url: str, block: bytes, payload: bytes) -> bytes:
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{hashlib.md5(block).hexdigest()}>",
        "WARC-Date": "2024-05-01T10:00:00Z",
        "WARC-Target-URI": url,
        "Content-Type": f"application/http; msgtype={kind}",
        "WARC-Block-Digest": _digest(block),
        **({"WARC-Payload-Digest": _digest(payload)} if payload else {}),
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return gzip.compress(b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n", 6)


def _digest(data: bytes) -> str:
    return f"sha1:{b32encode(hashlib.sha1(data).digest()).decode()}"
