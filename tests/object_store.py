"""An object store on loopback for tests: the part of the S3 API that newsdrop uses.

::

    with ObjectStore() as store:
        store.objects["a/1.md"] = b"…"          # any mapping; its keys are listed in order
        store.faults.append(lambda method, path: 503)    # a status instead of the answer, or None

Objects are read, whole or in parts, and created (If-None-Match: *). It accepts the access key KEY,
or with `is_open` anybody; signatures are checked by a real store in
`tests/sources/test_real_store.py`.
"""

import hashlib
import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "news"
KEY = "KEY"
Fault = Callable[[str, str], int | None]


class ObjectStore:
    """`requests` are (method, path with query) in order."""

    def __init__(self, objects: Mapping[str, bytes] | None = None, host: str = "127.0.0.1") -> None:
        self.objects: MutableMapping[str, bytes] = dict(objects or {})
        self.faults: list[Fault] = []
        self.digests: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.is_open = False
        self.is_there = True
        self.ignores_conditions = False
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reads(self) -> list[str]:
        """The keys that were read, in order."""
        prefix = f"/{BUCKET}/"
        paths = [path for method, path in self.requests if method == "GET" and "?" not in path]
        return [unquote(path).removeprefix(prefix) for path in paths]

    def etag(self, key: str) -> str:
        return hashlib.md5(self.objects[key]).hexdigest()

    def keys(self, prefix: str, after: str, count: int) -> tuple[list[str], bool]:
        """Keys in order, and whether there are more."""
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        start = bisect_right(keys, after) if after else 0
        return keys[start : start + count], start + count < len(keys)

    def answer(
        self, method: str, path: str, headers: Any, body: bytes = b""
    ) -> tuple[int, bytes, str]:
        """(status, body, ETag)"""
        for fault in self.faults:
            if status := fault(method, path):
                return status, b"<Error><Code>SlowDown</Code></Error>", ""
        parts = urlsplit(path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if not self.is_open and f"Credential={KEY}/" not in headers.get("authorization", ""):
            code = "InvalidAccessKeyId" if headers.get("authorization") else "AccessDenied"
            return 403, f"<Error><Code>{code}</Code></Error>".encode(), ""
        if bucket != BUCKET or not self.is_there:
            return 404, b"<Error><Code>NoSuchBucket</Code></Error>", ""
        if not key:
            return 200, self._list(parse_qs(parts.query)), ""
        if method == "PUT":
            if headers.get("if-none-match") == "*" and key in self.objects:
                return 412, b"<Error><Code>PreconditionFailed</Code></Error>", ""
            self.objects[key] = body
            self.digests[key] = headers.get("x-amz-meta-sha256", "")
            return 200, b"", self.etag(key)
        if key not in self.objects:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>", ""
        data, etag = self.objects[key], self.etag(key)
        wanted = "" if self.ignores_conditions else headers.get("if-match", "").strip('"')
        if wanted not in ("", etag):
            return 412, b"<Error><Code>PreconditionFailed</Code></Error>", ""
        return 200, data, etag

    def _list(self, query: Mapping[str, list[str]]) -> bytes:
        def get(name: str, default: str = "") -> str:
            return query.get(name, [default])[0]

        keys, has_more = self.keys(
            get("prefix"), get("start-after"), min(1000, int(get("max-keys", "1000")))
        )
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><ETag>&quot;{self.etag(key)}&quot;</ETag>"
            f"<Size>{len(self.objects[key])}</Size></Contents>"
            for key in keys
        )
        return (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(has_more).lower()}</IsTruncated>{found}</ListBucketResult>"
        ).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                store.requests.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, data, etag = store.answer(self.command, self.path, self.headers, body)
                part, size = self.headers.get("range", ""), len(data)
                if part and status == 200:
                    first, last = map(int, part.removeprefix("bytes=").split("-"))
                    status, data = 206, data[first : last + 1]
                self.send_response(status)
                for name, value in store.headers.items():
                    self.send_header(name, value)
                if status == 206:
                    end = first + len(data) - 1
                    self.send_header("Content-Range", f"bytes {first}-{end}/{size}")
                key = unquote(self.path).removeprefix(f"/{BUCKET}/")
                if key in store.digests:
                    self.send_header("x-amz-meta-sha256", store.digests[key])
                if etag:
                    self.send_header("ETag", f'"{etag}"')
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_PUT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler
