"""The feeds that newsdrop and its peer poll: a plain server on many addresses of loopback.

`python -m bench.feed_server FEEDS ENTRIES PORT` serves feed N on 127.0.0.1 + N at `/N.xml`: each
with its own newest ENTRIES articles of the benchmark's, in full, as RSSHub writes them. Asked at
127.0.0.1, `/step/S` moves every feed on to S articles later, `/mode/WORD` changes how it answers:
`etag` (304 where nothing changed) or `plain` (no validators), `/hang/N` lets the first N never
answer. Every answer is held ready, so that what is measured is not the server's own work.
"""

import asyncio
import sys
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from bench import corpus

_ITEM = (
    "<item><title><![CDATA[{title}]]></title><link>https://news.example/{number}.html</link>"
    '<guid isPermaLink="false">https://news.example/{number}.html</guid><pubDate>{date}</pubDate>'
    "<author>新浪财经</author><description><![CDATA[{body}]]></description></item>\n"
)
_OF_ONE_FEED = 1000
"""Numbers of the benchmark's articles that belong to one feed."""


def address(feed: int, port: int) -> str:
    """The address of feed `feed`."""
    return f"http://{IPv4Address('127.0.0.1') + feed}:{port}/{feed}.xml"


def item(number: int) -> str:
    """One article of the benchmark as a feed entry."""
    _, head, body = corpus.article(number).decode().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    return _ITEM.format(
        title=fields["title"].strip("'"), number=number, date=fields["date"], body=body.strip()
    )


class Feeds:
    """The prepared answer of every feed."""

    def __init__(self, count: int, entries: int) -> None:
        self.count, self.entries = count, entries
        self.items: dict[int, str] = {}
        self.step, self.mode, self.hanging = 0, "etag", 0
        self.answers: list[bytes] = []
        self.make()

    def make(self) -> None:
        self.answers = [self._answer(feed) for feed in range(self.count)]

    def _answer(self, feed: int) -> bytes:
        first = feed * _OF_ONE_FEED + self.step
        numbers = range(first + self.entries - 1, first - 1, -1)
        for number in numbers:
            if number not in self.items:
                self.items[number] = item(number)
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
            f"<title>云屿日报{feed}</title><link>https://news.example/</link>\n"
            f"{''.join(self.items[number] for number in numbers)}</channel></rss>\n"
        ).encode()
        etag = f'ETag: "{self.step}"\r\n' if self.mode == "etag" else ""
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\n{etag}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def answer(self, path: str, etag: str) -> bytes | None:
        """The answer to a request; None if the server hangs."""
        word, _, value = path.strip("/").partition("/")
        if word.endswith(".xml"):
            feed = int(word.removesuffix(".xml"))
            if feed < self.hanging:
                return None
            if self.mode == "etag" and etag == f'"{self.step}"':
                return f'HTTP/1.1 304 Not Modified\r\nETag: "{self.step}"\r\n\r\n'.encode()
            return self.answers[feed]
        if word == "step":
            self.step = int(value)
            self.make()
        elif word == "mode":
            self.mode = value
            self.make()
        elif word == "hang":
            self.hanging = int(value)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self, feeds: Feeds) -> None:
        self.feeds, self.received = feeds, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            path = urlsplit(first.split(" ")[1]).path
            if answer := self.feeds.answer(path, headers.get("if-none-match", "")):
                self.transport.write(answer)


async def serve(feeds: Feeds, port: int) -> None:
    hosts = [str(IPv4Address("127.0.0.1") + feed) for feed in range(max(1, min(feeds.count, 250)))]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(feeds), hosts, port, backlog=1024)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Feeds(int(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3])))
