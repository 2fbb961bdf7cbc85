"""Hostile and broken servers: each costs a bounded amount, and ends in a reason."""

import asyncio
import gzip
import resource
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fetch.fetching import failure, fetched, in_turn, settings
from tests.http_server import Raw, Reply, Request, Web, raw
from worker.errors import Trouble
from worker.fetch import Fetcher, FetchRequest
from worker.fetch.body import MAX_MEMBERS, Body

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZEROS = bytes(1_000_000)


def says(data: bytes) -> Raw:
    """Writes these bytes, whatever they are, and closes."""

    async def handler(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(data)
        await writer.drain()

    return raw(handler)


@contextmanager
def bounded_memory(megabytes: int) -> Iterator[None]:
    """This process's peak grows by no more than `megabytes` within."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < megabytes, f"{grown:.0f} MB"


@pytest.mark.parametrize("start", [b"", OK, OK + b"Content-Length: 1000\r\n\r\n"])
def test_an_answer_that_drips_ends_at_the_deadline(start: bytes) -> None:
    """A byte now and then keeps nobody beyond the deadline, wherever in the answer it drips."""

    async def drip(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(start)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    with Web() as web:
        web.pages["/x"] = raw(drip)
        message = failure(Trouble.TIMEOUT, web.url("/x?key=k"), web, deadline_seconds=0.5)
        shown = web.url("/x?key=…")
    assert message == f"{shown} did not answer in full within 0.5 s: try later"
    assert time.monotonic() - began < 30


def test_the_deadline_counts_over_redirects() -> None:
    """A chain of slow redirects has one deadline, not one for each."""

    async def slow(request: Request) -> Reply:
        await asyncio.sleep(0.4)
        return Reply(302, headers={"location": f"{request.path}x"})

    with Web() as web:
        web.pages |= {"/" + "x" * n: slow for n in range(1, 9)}
        failure(Trouble.TIMEOUT, web.url("/x"), web, deadline_seconds=1)
        assert len(web.requests) < 5


def test_a_body_without_end_stops_at_the_cap() -> None:
    """What never ends is left at fetch.max_mb, and its memory is bounded by that."""

    async def pour(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(ZEROS)
            await writer.drain()

    with Web() as web, bounded_memory(60):
        web.pages["/x"] = raw(pour)
        message = failure(Trouble.TOO_LARGE, web.url("/x"), web, max_mb=2)
    hint = "raise fetch.max_mb if you need it"
    assert message == f"the response of 127.0.0.1 has more than 2,000,000 bytes: {hint}"


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    """A Content-Length beyond the cap is enough."""

    async def promise(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(OK + b"Content-Length: 2000001\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(60)

    with Web() as web:
        web.pages["/x"] = raw(promise)
        failure(Trouble.TOO_LARGE, web.url("/x"), web, max_mb=2)


def test_a_body_that_nobody_wants_is_not_waited_for() -> None:
    """The page of a 404, and of a redirect, is left where it hangs: their status is known."""

    async def hang(request: Request, reader: Reader, writer: Writer) -> None:
        status = b"302 Found\r\nLocation: /y" if request.path == "/x" else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(60)

    with Web() as web:
        web.pages |= {"/x": raw(hang), "/y": raw(hang)}
        answer = fetched(web.url("/x"), web)
    assert (answer.status, answer.body) == (404, b"")


class Pour:
    """Writes its start and then zeros without end; knows how many went out."""

    def __init__(self, start: bytes) -> None:
        self.start = start
        self.sent = 0

    async def __call__(self, request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(self.start)
        while True:
            writer.write(ZEROS)
            await writer.drain()
            self.sent += len(ZEROS)


def test_a_body_that_nobody_wants_is_not_downloaded() -> None:
    """The endless page of a 404 is left after some kilobytes and what the sockets hold."""
    pour = Pour(b"HTTP/1.1 404 Not Found\r\n\r\n")
    with Web() as web:
        web.pages["/x"] = raw(pour)
        assert fetched(web.url("/x"), web).status == 404
    assert pour.sent < 30_000_000


async def after_a_second(web: Web) -> list[bytes]:
    """The bodies of /x and, a second later and by the same Fetcher, of /y."""
    async with Fetcher(settings(web)) as fetcher:
        first = await fetcher.get(FetchRequest(web.url("/x")))
        await asyncio.sleep(1)
        return [first.body, (await fetcher.get(FetchRequest(web.url("/y")))).body]


def test_what_pours_into_an_idle_connection_is_not_held() -> None:
    """A server that goes on after its answer waits, and the next request does not see it."""
    pour = Pour(OK + b"Content-Length: 2\r\n\r\nok")

    with Web() as web:
        web.pages |= {"/x": raw(pour), "/y": Reply(body=b"own")}
        assert asyncio.run(after_a_second(web)) == [b"ok", b"own"]
    assert pour.sent < 30_000_000


def test_an_answer_that_nobody_asked_for_is_not_taken() -> None:
    """What a server says on an idle connection is not the next request's answer."""

    async def forge(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(OK + b"Content-Length: 2\r\n\r\nok")
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.write(OK + b"Content-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(60)

    with Web() as web:
        web.pages |= {"/x": raw(forge), "/y": Reply(body=b"own")}
        assert asyncio.run(after_a_second(web)) == [b"ok", b"own"]


def test_less_than_was_promised_is_an_error() -> None:
    """A body that ends before its Content-Length is never taken for whole."""
    with Web() as web:
        web.pages["/x"] = says(OK + b"Content-Length: 10\r\n\r\nhalf")
        message = failure(Trouble.PROTOCOL, web.url("/x"), web)
    assert message.startswith("127.0.0.1 does not send valid HTTP (")


def test_chunks_without_their_end_are_an_error() -> None:
    """A chunked body that breaks off is never taken for whole."""
    with Web() as web:
        web.pages["/x"] = says(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        failure(Trouble.PROTOCOL, web.url("/x"), web)


def test_more_than_was_promised_is_no_next_answer() -> None:
    """Bytes beyond Content-Length are dropped: the next request gets its own answer."""
    with Web() as web:
        long = Reply(body=b"ok and more\r\n\r\n", headers={"content-length": "2"})
        web.pages |= {"/x": long, "/y": Reply(body=b"own")}
        answers = in_turn([web.url("/x"), web.url("/y")], web)
    assert [answer.body for answer in answers] == [b"ok", b"own"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 abc\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Content-Length: -5\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK[:9],
    ],
)
def test_what_is_no_http_is_told(answer: bytes) -> None:
    """Silence, other protocols and malformed answers are PROTOCOL."""
    with Web() as web:
        web.pages["/x"] = says(answer)
        message = failure(Trouble.PROTOCOL, web.url("/x"), web)
    assert message.startswith("127.0.0.1 ")
    assert message.endswith("try later")


def test_a_flood_of_headers_is_bounded() -> None:
    """Headers without end are left long before the cap of a body."""

    async def flood(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(OK)
        while True:
            writer.write(b"X-Header: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    with Web() as web, bounded_memory(30):
        web.pages["/x"] = raw(flood)
        failure(Trouble.PROTOCOL, web.url("/x"), web)


@pytest.mark.parametrize(
    ("start", "part"),
    [(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (CHUNKED, b"1;" + b"x" * 60 + b"\r\na\r\n")],
    ids=["interim responses", "chunks of a byte"],
)
def test_a_flood_beside_a_body_is_bounded(start: bytes, part: bytes) -> None:
    """What is no body is left after a small share of the cap, and not at the deadline."""

    async def flood(request: Request, reader: Reader, writer: Writer) -> None:
        writer.write(start)
        while True:
            writer.write(part * 1000)
            await writer.drain()

    with Web() as web:
        web.pages["/x"] = raw(flood)
        message = failure(Trouble.PROTOCOL, web.url("/x"), web)
    assert message.endswith("(it sends too much beside the body): try later")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate, gzip", "x\xad"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """One that was not asked for, and two that would multiply, are ENCODING."""
    with Web() as web:
        web.pages["/x"] = Reply(body=b"xx", headers={"content-encoding": encoding})
        message = failure(Trouble.ENCODING, web.url("/x"), web)
    assert message.endswith(
        "which was not requested: only gzip or deflate can be read, and only once"
    )


def bomb() -> bytes:
    """1 GB of zeros in 1 MB of gzip, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join([packer.compress(ZEROS) for _ in range(1000)] + [packer.flush()])


def test_a_gzip_bomb_costs_no_more_than_the_cap() -> None:
    """1 GB of zeros in 1 MB is left at the cap, in memory as in time."""
    packed = bomb()
    assert len(packed) < 2_000_000
    with Web() as web:
        web.pages["/x"] = Reply(body=packed, headers={"content-encoding": "gzip"})
        with bounded_memory(60):
            failure(Trouble.TOO_LARGE, web.url("/x"), web, max_mb=2)
            assert len(fetched(FetchRequest(web.url("/x"), max_bytes=1000), web).body) == 1000


def test_many_small_members_are_bounded() -> None:
    """A gzip body of more members than anyone writes is refused."""
    with Web() as web:
        packed = gzip.compress(b"") * (MAX_MEMBERS + 1)
        web.pages["/x"] = Reply(body=packed, headers={"content-encoding": "gzip"})
        message = failure(Trouble.ENCODING, web.url("/x"), web)
    assert message == "the compressed response of 127.0.0.1 has more than 1,000 parts: try later"


@pytest.mark.parametrize(
    ("encoding", "body", "how"),
    [
        ("gzip", gzip.compress(b"text" * 100)[:-1], "ended early"),
        ("gzip", gzip.compress(b"text" * 100)[:20], "ended early"),
        ("gzip", b"\x1f", "ended early"),
        ("gzip", gzip.compress(b"a") + gzip.compress(b"text")[:-9], "ended early"),
        ("gzip", b"plain text", "does not match its Content-Encoding"),
        ("gzip", gzip.compress(b"text")[:-8] + bytes(8), "does not match its Content-Encoding"),
        ("deflate", zlib.compress(b"text" * 100)[:-1], "ended early"),
        ("deflate", b"plain text", "does not match its Content-Encoding"),
    ],
)
def test_a_broken_packing_is_an_error(encoding: str, body: bytes, how: str) -> None:
    """Half a packed body is never taken for whole, nor is one with a wrong sum."""
    with Web() as web:
        web.pages["/x"] = Reply(body=body, headers={"content-encoding": encoding})
        message = failure(Trouble.ENCODING, web.url("/x"), web)
    assert message == f"the compressed response of 127.0.0.1 {how}: try later"


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 65_541, 131_072, 131_073])
def test_the_end_of_a_step_is_not_lost(size: int) -> None:
    """What zlib holds back when a step is just full comes with the next, and is no missing end."""
    data = bytes(size)
    body = Body("deflate", 1_000_000, "news.example")
    body.add(zlib.compress(data)[2:-4])
    assert body.done() == data


def test_a_circle_is_noticed() -> None:
    """Redirects that come back are left at the first return."""
    with Web() as web:
        web.pages["/a"] = Reply(302, headers={"location": "/b"})
        web.pages["/b"] = Reply(302, headers={"location": "/a#again"})
        message = failure(Trouble.REDIRECTS, web.url("/a"), web)
        assert len(web.requests) == 2
        there = web.url("/a")
    hint = "open it in a browser to find its present address"
    assert message == f"{there} redirects in a circle, back to {there}: {hint}"


def test_six_redirects_are_too_many() -> None:
    """The sixth redirect in a row is not followed."""
    with Web() as web:
        for n in range(9):
            web.pages[f"/{n}"] = Reply(302, headers={"location": f"/{n + 1}"})
        message = failure(Trouble.REDIRECTS, web.url("/0"), web)
        assert len(web.requests) == 6
    assert " redirects more than 5 times: " in message
