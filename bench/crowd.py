"""Readers of the status page: open pages, and a Prometheus that scrapes.

`python -m bench.crowd PORT PAGES SCRAPE_SECONDS` keeps so many event streams of the status page
open and asks for the metrics and the status every so many seconds (0: never), until it is ended.
It is a process of its own, so that what it costs is not counted as newsdrop's.
"""

import http.client
import selectors
import socket
import sys
import time
from collections.abc import Sequence

_LARGEST = 1 << 16
_ASKED = ("/metrics", "/api/v1/status")


def main(arguments: Sequence[str]) -> None:
    """Runs until SIGTERM. Raises OSError if a page cannot be opened."""
    port, pages, every = int(arguments[0]), int(arguments[1]), float(arguments[2])
    with selectors.DefaultSelector() as waiting:
        for _ in range(pages):
            waiting.register(_open(port), selectors.EVENT_READ)
        print("open", flush=True)
        due = time.monotonic()
        while True:
            if every and time.monotonic() >= due:
                due = time.monotonic() + every
                for path in _ASKED:
                    ask(port, path)
            for key, _events in waiting.select(0.2):
                if not key.fileobj.recv(_LARGEST):  # type: ignore[union-attr]
                    raise OSError("the status page closed a stream")


def ask(port: int, path: str) -> tuple[float, bytes]:
    """(seconds until the answer was complete, the answer). Raises OSError unless it is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - begun
    connection.close()
    if answer.status != 200:
        raise OSError(f"{path}: {answer.status} {body[:200]!r}")
    return seconds, body


def _open(port: int) -> socket.socket:
    page = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = ("GET /live HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream", "", "")
    page.sendall("\r\n".join(head).encode())
    answer = b""
    while b"event: " not in answer:  # the first rendering costs more than the others
        part = page.recv(_LARGEST)
        answer += part
        if not part or b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise OSError(f"/live: {answer[:200]!r}")
    return page


if __name__ == "__main__":
    main(sys.argv[1:])
