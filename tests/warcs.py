"""WARC files for the tests, written by hand, so that a record can be wrong in any way."""

import gzip
import hashlib
import uuid
from base64 import b32encode
from collections.abc import Callable, Sequence

import zstandard

DATE = "2024-05-01T10:00:00Z"
HTML = "Content-Type: text/html; charset=utf-8"


def digest(data: bytes, algorithm: str = "sha1") -> str:
    """As in a WARC's header."""
    return f"{algorithm}:{b32encode(hashlib.new(algorithm, data).digest()).decode()}"


def record(
    kind: str,
    block: bytes,
    uri: str = "",
    *,
    media_type: str = "application/http",
    length: int | None = None,
    **headers: str,
) -> bytes:
    """One record. `length` is the declared one; `headers` have underscores for dashes."""
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, kind + uri)}>",
        "WARC-Date": DATE,
        **({"WARC-Target-URI": uri} if uri else {}),
        "Content-Type": media_type,
        **{name.replace("_", "-"): value for name, value in headers.items()},
        "Content-Length": str(len(block) if length is None else length),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def html(number: int, size: int = 1200) -> bytes:
    """A page with one article."""
    text = f"The harbour of town {number} was opened again after the storm, its master said. "
    body = "".join(f"<p>{text * 3}</p>" for _ in range(1 + size // 250))
    head = f"<title>Harbour {number} opens</title><meta name='date' content='2024-04-30T08:00:00Z'>"
    return (
        f"<!doctype html><html lang=en><head>{head}</head>"
        f"<body><article><h1>Harbour {number} opens</h1>{body}</article></body></html>"
    ).encode()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """An answer of a web server."""
    head = "\r\n".join((f"HTTP/1.1 {status}", *(headers or (HTML,))))
    return head.encode() + b"\r\n\r\n" + body


def page(
    number: int,
    body: bytes | None = None,
    *headers: str,
    status: str = "200 OK",
    length: int | None = None,
    has_digests: bool = True,
    **more: str,
) -> bytes:
    """A response record of `https://news.example/<number>`."""
    payload = html(number) if body is None else body
    block = answer(payload, *headers, status=status)
    digests = {"WARC_Block_Digest": digest(block), "WARC_Payload_Digest": digest(payload)}
    if has_digests:
        more = digests | more
    return record("response", block, f"https://news.example/{number}", length=length, **more)


def gzipped(records: Sequence[bytes]) -> bytes:
    """Each record a gzip member, as `.warc.gz` has them."""
    return b"".join(gzip.compress(each, mtime=0) for each in records)


def zstd(records: Sequence[bytes]) -> bytes:
    """Each record a zstd frame, as `.warc.zst` has them."""
    return b"".join(zstandard.compress(each) for each in records)


FORMS: dict[str, Callable[[Sequence[bytes]], bytes]] = {
    "plain.warc": b"".join,
    "members.warc.gz": gzipped,
    "frames.warc.zst": zstd,
}
"""Name -> how records become a file of which each can be found alone."""
