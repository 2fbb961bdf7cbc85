"""Fetching from a proper server: what is asked, what comes back, what is kept and what is not."""

import asyncio
import gzip
import re
import sys
import zlib
from pathlib import Path

import httpcore
import pytest

from tests.fetch.fetching import failure, fetched, in_turn, settings
from tests.http_server import Page, Reply, Request, Web, raw
from worker import __version__
from worker.errors import FetchFailed, Trouble
from worker.fetch import Fetcher, FetchRequest, FetchResponse, Redirect, http1

TEXT = "线上线下".encode()


def test_an_answer_is_what_the_server_sent() -> None:
    """Status, body, headers, charset and address are there; names of headers are lower case."""
    with Web() as web:
        web.pages["/feed.xml"] = Reply(
            body=TEXT, headers={"ETag": '"1"', "Content-Type": 'text/xml; Charset="UTF-8"'}
        )
        answer = fetched(web.url("/feed.xml?a=1#part"), web)
    assert (answer.status, answer.body, answer.charset) == (200, TEXT, "utf-8")
    assert answer.headers["etag"] == '"1"'
    assert answer.url == web.url("/feed.xml?a=1")
    assert answer.redirects == ()
    assert web.requests[0].path == "/feed.xml?a=1"


def test_the_request_is_honest_and_plain() -> None:
    """User-Agent names newsdrop, only what can be unpacked is accepted, nothing else is sent."""
    with Web() as web:
        fetched(web.url("/x"), web)
        fetched(web.url("/x"), web, user_agent="acme-news (+https://acme.example)")
    first, second = web.requests
    assert first.headers == {
        "host": f"127.0.0.1:{web.port}",
        "user-agent": f"newsdrop/{__version__}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }
    assert second.headers["user-agent"] == "acme-news (+https://acme.example)"


def test_conditions_are_sent_and_304_has_no_body() -> None:
    """ETag and Last-Modified go back as they came, bytes beyond ASCII too."""
    with Web() as web:
        web.pages["/x"] = Reply(304, headers={"etag": '"é"'})
        request = FetchRequest(
            web.url("/x"), etag='"é"', last_modified="Mon, 06 May 2024 12:10:00 GMT"
        )
        answer = fetched(request, web)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"é"')
    assert web.requests[0].headers["if-none-match"] == '"é"'
    assert web.requests[0].headers["if-modified-since"] == "Mon, 06 May 2024 12:10:00 GMT"


@pytest.mark.parametrize("status", [201, 400, 404, 410, 429, 500, 503])
def test_any_status_is_an_answer(status: int) -> None:
    """No status is an error, and only a 2xx has its body read."""
    with Web() as web:
        web.pages["/x"] = Reply(status, b"text", {"retry-after": "7"})
        answer = fetched(web.url("/x"), web)
    assert (answer.status, answer.headers["retry-after"]) == (status, "7")
    assert answer.body == (b"text" if status < 300 else b"")


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP, identity", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 100),
        ("gzip", gzip.compress(TEXT[:5]) + gzip.compress(b"") + gzip.compress(TEXT[5:]) + b"\x1e"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_packed_answers_are_unpacked(encoding: str, packed: bytes) -> None:
    """gzip with several members or padding, deflate with its header and without."""
    with Web() as web:
        web.pages["/x"] = Reply(body=packed, headers={"content-encoding": encoding})
        assert fetched(web.url("/x"), web).body == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_nothing_packed_is_nothing(encoding: str) -> None:
    """An empty body is empty, whatever it claims to be packed with."""
    with Web() as web:
        web.pages["/x"] = Reply(headers={"content-encoding": encoding})
        assert fetched(web.url("/x"), web).body == b""


def test_a_large_answer_comes_whole() -> None:
    """Megabytes arrive in order, packed well or not at all, in chunks or with their length."""
    body = bytes(range(256)) * 20_000
    chunks = b"%x\r\n%b\r\n" % (len(body), body) + b"0\r\n\r\n"
    packed = gzip.compress(body + bytes(3_000_000))
    with Web() as web:
        web.pages["/length"] = Reply(body=body)
        web.pages["/chunks"] = Reply(body=chunks, headers={"transfer-encoding": "chunked"})
        web.pages["/packed"] = Reply(body=packed, headers={"content-encoding": "gzip"})
        urls = [web.url(path) for path in ("/length", "/chunks", "/packed")]
        answers = in_turn([*urls], web)
    assert [answer.body for answer in answers] == [body, body, body + bytes(3_000_000)]


def test_what_is_beyond_most_is_cut_off() -> None:
    """With `most` a longer body is no failure: the first bytes of it come."""
    body = bytes(range(256)) * 1000
    with Web() as web:
        web.pages["/x"] = Reply(body=body)
        web.pages["/z"] = Reply(body=gzip.compress(body), headers={"content-encoding": "gzip"})
        urls = [web.url("/x"), web.url("/z")]
        answers = in_turn([FetchRequest(url, max_bytes=1000) for url in urls], web)
    assert [answer.body for answer in answers] == [body[:1000], body[:1000]]


def test_connections_are_kept() -> None:
    """Requests one after the other use one connection, short answers without use among them."""
    with Web() as web:
        web.pages["/a"] = Reply(body=b"a")
        web.pages["/b"] = Reply(304, headers={"content-length": "700"})
        web.pages["/c"] = Reply(302, b"moved", {"location": "/a"})
        in_turn([web.url("/a"), web.url("/b"), web.url("/c"), web.url("/none"), web.url("/a")], web)
        assert web.connections == 1
        assert len(web.requests) == 6


def test_a_connection_with_bytes_beyond_a_response_is_closed() -> None:
    """They might be the begin of what is read as the next response."""
    extra = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nextra"
    with Web() as web:
        web.pages |= {
            "/a": Reply(body=b"a"),
            "/length": Reply(body=b"ok" + extra, headers={"content-length": "2"}),
            "/chunks": Reply(
                body=b"2\r\nok\r\n0\r\n\r\n" + extra, headers={"transfer-encoding": "chunked"}
            ),
        }
        answers = in_turn([web.url(path) for path in ("/length", "/a", "/chunks", "/a")], web)
        assert web.connections == 3
    assert [answer.body for answer in answers] == [b"ok", b"a", b"ok", b"a"]


def test_no_more_connections_are_kept_than_may_be_used() -> None:
    """Thousands of hosts do not leave thousands of open connections: the oldest makes room."""
    with Web() as web, Web() as other:
        web.pages["/x"] = other.pages["/x"] = Reply(body=TEXT)
        addresses = [web.url("/x"), other.url("/x"), web.url("/x")]
        in_turn(addresses, web, other, concurrency=1)
        assert (web.connections, other.connections) == (2, 1)
        in_turn(addresses, web, other, concurrency=2)
        assert (web.connections, other.connections) == (3, 2)


def test_a_connection_closed_meanwhile_is_replaced() -> None:
    """A server that closes after each answer, without saying so, is asked again at once."""
    with Web() as web:
        web.pages["/x"] = Reply(body=b"short", headers={"content-length": "2"})
        web.pages["/y"] = Reply(body=TEXT)
        answers = in_turn([web.url("/x"), web.url("/y"), web.url("/y")], web)
    assert [answer.body for answer in answers] == [b"sh", TEXT, TEXT]


def test_what_follows_an_answer_answers_nothing() -> None:
    """Bytes behind a response are not taken for the response to the next request."""

    async def two(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
        writer.write(b"HTTP/1.1 304 Not Modified\r\n\r\n" + forged)
        await writer.drain()
        await asyncio.sleep(1)

    with Web() as web:
        web.pages["/x"] = raw(two)
        web.pages["/y"] = Reply(body=TEXT)
        answers = in_turn([web.url("/x"), web.url("/y")], web)
    assert [(answer.status, answer.body) for answer in answers] == [(304, b""), (200, TEXT)]


def test_a_plain_response_is_read_as_h11_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that are read without h11 give what h11 makes of them; odd ones are left to it."""
    heads = (
        "200 OK|Content-Length: 2",
        "200|content-LENGTH:2 \t|X: a\tb  |X:|X: ü",
        "200 OK|Content-Length: 2|Content-Length: 3",
        "200 OK|Content-Length: 2|Content-Length: 2",
        "200 OK|Content-Length: +2",
        "200 OK|Content-Length: 9",
        "200 OK|Content-Length: 2|Transfer-Encoding: chunked",
        "200 OK|Transfer-Encoding: gzip",
        "200 OK|Content-Length: 2|X: a| folded",
        "200 OK|Content-Length: 2|X : a",
        "200 OK|Content-Length: 2|X: a\0b",
        "200 OK|Content-Length: 2|Connection: keep-alive|Connection: Close",
        "304 Not Modified|Content-Length: 700|ETag: x",
        "304 Not Modified|Content-Length: x",
        "204 No Content|Transfer-Encoding: chunked",
        "103 Early|X: a||HTTP/1.1 200 OK|Content-Length: 2",
        "200 OK|",
        "2000 OK|Content-Length: 2",
    )

    def answering(head: str) -> Page:
        async def answer(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
            lines = f"HTTP/1.1 {head}||".replace("|", "\r\n").encode()
            writer.write(lines + (b"" if head.startswith(("304", "204")) else b"ok"))
            await writer.drain()

        return raw(answer)

    def outcome(url: str, web: Web) -> object:
        try:
            return fetched(url, web)
        except FetchFailed as error:
            return str(error)

    with Web() as web:
        web.pages |= {f"/{number}": answering(head) for number, head in enumerate(heads)}
        urls = [web.url(path) for path in web.pages]
        plain = [outcome(url, web) for url in urls]
        monkeypatch.setattr(http1, "_HEAD", re.compile(b"(?!)"))
        assert plain == [outcome(url, web) for url in urls]
    assert sum(isinstance(found, FetchResponse) for found in plain) == 9


def test_many_at_once() -> None:
    """Concurrent fetches each get their own answer; no more run at once than are allowed."""
    running = most = 0

    async def page(request: Request) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return Reply(body=request.path.encode())

    async def run(web: Web) -> list[bytes]:
        async with Fetcher(settings(web, concurrency=4)) as fetcher:
            asks = [fetcher.get(FetchRequest(web.url(f"/x?{n}"))) for n in range(20)]
            return [answer.body for answer in await asyncio.gather(*asks)]

    with Web() as web:
        web.pages["/x"] = page
        assert asyncio.run(run(web)) == [f"/x?{n}".encode() for n in range(20)]
        assert most <= 4
        assert web.connections <= 4


def test_no_cookie_comes_back() -> None:
    """A cookie that a server sets is neither shown nor sent again."""
    with Web() as web:
        web.pages["/x"] = Reply(headers={"set-cookie": "id=1"})
        answers = in_turn([web.url("/x"), web.url("/x")], web)
    assert "cookie" not in web.requests[1].headers
    assert "set-cookie" not in answers[0].headers


def test_proxies_and_netrc_of_the_environment_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A proxy that nobody listens on and a .netrc change nothing."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password geheim\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Web() as web:
        web.pages["/x"] = Reply(body=TEXT)
        assert fetched(web.url("/x"), web).body == TEXT
    assert "authorization" not in web.requests[0].headers


def test_redirects_are_followed_and_told() -> None:
    """Relative and absolute, five at most; the answer tells each, credentials left out."""
    with Web() as web:
        web.pages["/a/1"] = Reply(301, headers={"location": "../b/2?token=x"})
        web.pages["/b/2"] = Reply(302, headers={"location": "3"})
        web.pages["/b/3"] = Reply(303, headers={"location": f"//127.0.0.1:{web.port}/4"})
        web.pages["/4"] = Reply(307, headers={"location": f" {web.url('/5#part')}"})
        web.pages["/5"] = Reply(308, headers={"location": "/汉".encode().decode("latin-1")})
        web.pages["/%E6%B1%89"] = Reply(body=TEXT)
        answer = fetched(web.url("/a/1", user="me:pw"), web)
    assert answer.body == TEXT
    assert answer.url == web.url("/%E6%B1%89")
    paths = ["/a/1", "/b/2?token=…", "/b/3", "/4", "/5"]
    statuses = [301, 302, 303, 307, 308]
    assert answer.redirects == tuple(
        Redirect(status, web.url(path)) for status, path in zip(statuses, paths, strict=True)
    )


def test_a_redirect_without_a_place_is_an_answer() -> None:
    """A 302 that says not where to is a status like any other, as is a 300."""
    with Web() as web:
        web.pages["/x"] = Reply(302)
        web.pages["/y"] = Reply(300, headers={"location": "/x"})
        assert [one.status for one in in_turn([web.url("/x"), web.url("/y")], web)] == [302, 300]


def test_credentials_stay_with_their_origin() -> None:
    """User and password, the feed's own headers and conditions go to no other server."""
    with Web() as home, Web(host="127.0.0.2") as away:
        home.pages["/a"] = Reply(302, headers={"location": "/b"})
        home.pages["/b"] = Reply(302, headers={"location": away.url("/c", user="x:y")})
        away.pages["/c"] = Reply(302, headers={"location": home.url("/d")})
        request = FetchRequest(
            home.url("/a", user="me:pw"),
            etag='"1"',
            last_modified="Mon, 06 May 2024 12:10:00 GMT",
            headers=(("X-Api-Key", "geheim"), ("Cookie", "id=1")),
            accept="text/xml",
        )
        assert fetched(request, home, away).status == 404
    secret = {
        "authorization": "Basic bWU6cHc=",
        "x-api-key": "geheim",
        "cookie": "id=1",
        "if-none-match": '"1"',
        "if-modified-since": "Mon, 06 May 2024 12:10:00 GMT",
    }
    for request in home.requests[:2]:
        assert secret.items() <= request.headers.items()
    for request in (*away.requests, home.requests[2]):  # nor back home: who sent us there is away
        assert not secret.keys() & request.headers.keys()
        assert request.headers["accept"] == "text/xml"
    assert [request.path for request in home.requests] == ["/a", "/b", "/d"]


def test_a_feeds_own_headers_go_before_ours() -> None:
    """Its User-Agent, Accept and Authorization replace ours; the connection's headers stay ours."""
    own = {"user-agent": "x", "ACCEPT": "a/b", "Authorization": "Bearer t", "Host": "evil.example"}
    own |= {"Content-Length": "5", "Transfer-Encoding": "chunked", "Accept-Encoding": "br"}
    with Web() as web:
        fetched(FetchRequest(web.url("/x", user="me:pw"), headers=tuple(own.items())), web)
    assert web.requests[0].headers == {
        "host": f"127.0.0.1:{web.port}",
        "accept-encoding": "gzip, deflate",
        "user-agent": "x",
        "accept": "a/b",
        "authorization": "Bearer t",
    }


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    """A line break in a header is no second header: nothing is sent."""
    with Web() as web:
        request = FetchRequest(web.url("/x"), headers=(("X-A", "1\r\nX-B: 2"),))
        message = failure(Trouble.ADDRESS, request, web, refused=True)
        assert web.requests == []
    assert message == "a header for 127.0.0.1 is not valid: correct the headers of its feed"


def test_an_address_that_moved_for_good_is_told() -> None:
    """Where every redirect is permanent the new address is there as it was asked; else None."""
    with Web() as web:
        web.pages["/a"] = Reply(301, headers={"location": "/b"})
        web.pages["/b"] = Reply(308, headers={"location": "/c?token=x"})
        web.pages["/t"] = Reply(302, headers={"location": "/a"})
        answers = in_turn([web.url("/a"), web.url("/t"), web.url("/c")], web)
        assert [answer.permanent_url for answer in answers] == [web.url("/c?token=x"), None, None]


def test_no_import_is_searched_for_while_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpcore asks for the asynchronous library at every lock: the answer needs no search of all
    paths for a module that is not installed."""
    searched: list[str] = []

    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            searched.append(name)

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert httpcore._synchronization.current_async_library() == "asyncio"
    assert searched == []
