"""TLS: names are verified at the address that was judged; HTTP/2 is spoken where it is offered."""

import asyncio
import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.fetch.fetching import failure, fetched, in_turn
from tests.http_server import Reply, Web
from worker.errors import ConfigError, Trouble
from worker.fetch import FetchRequest


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts by itself."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate, as an operator would name it in fetch.ca_file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def news(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def test_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    """A certificate that nobody vouches for is TLS, and the message names the setting."""
    with Web(certificate=authority.issue_cert("127.0.0.1")) as web:
        message = failure(Trouble.TLS, web.url("/x"), web)
        assert web.requests == []
    assert message.startswith("the certificate of 127.0.0.1 is not valid (")
    assert message.endswith("): if the server is yours, set fetch.ca_file to its authority")


def test_the_operators_authority_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    """With fetch.ca_file the name is verified, at the address that was judged."""
    with Web(certificate=authority.issue_cert("news.example")) as web:
        web.pages["/x"] = Reply(body=b"here")
        url = web.url("/x", host="news.example")
        answers = in_turn([url, url], web, resolve=news, ca_file=ca_file)
        assert web.connections == 1
    assert [answer.body for answer in answers] == [b"here", b"here"]


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    """An authority that is trusted vouches for its own names only."""
    with Web(certificate=authority.issue_cert("other.example")) as web:
        url = web.url("/x", host="news.example")
        message = failure(Trouble.TLS, url, web, resolve=news, ca_file=ca_file)
    assert "not valid for 'news.example'" in message


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_no_tls_at_all(said: bytes) -> None:
    """A server that speaks plain HTTP at an https address, or hangs up, is TLS."""

    def answer(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(10_000)
            peer.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        port = server.getsockname()[1]
        message = failure(Trouble.TLS, f"https://127.0.0.1:{port}/", allow_ports=[port])
        thread.join(30)
    assert message.startswith("no TLS connection with 127.0.0.1 (")
    assert message.endswith("): check whether it uses https")


def test_a_handshake_that_hangs_is_bounded() -> None:
    """A server that accepts and says nothing costs fetch.connect_seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"https://127.0.0.1:{port}/"
        message = failure(Trouble.TLS, url, allow_ports=[port], connect_seconds=0.5)
    assert message == "127.0.0.1 did not begin TLS within 0.5 s: try later"


def test_https_to_http_drops_credentials(authority: trustme.CA, ca_file: Path) -> None:
    """A redirect to plain HTTP on the same host is followed without what was secret."""
    with Web(certificate=authority.issue_cert("127.0.0.1")) as safe, Web() as plain:
        safe.pages["/x"] = Reply(302, headers={"location": plain.url("/y")})
        plain.pages["/y"] = Reply(body=b"here")
        request = FetchRequest(safe.url("/x", user="me:pw"), headers=(("X-Api-Key", "k"),))
        assert fetched(request, safe, plain, ca_file=ca_file).body == b"here"
    assert {"authorization", "x-api-key"} <= safe.requests[0].headers.keys()
    assert not {"authorization", "x-api-key"} & plain.requests[0].headers.keys()


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    """A missing file and one without certificates are errors of the settings."""
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"fetch\.ca_file .*ca\.pem cannot be used: "):
        fetched("http://127.0.0.1/", ca_file=path)


async def _app(scope, receive, send):  # type: ignore[no-untyped-def]
    """Tells the protocol; `/gzip` is packed, `/long` is 30 MB, `/port` tells a client's."""
    if scope["type"] != "http":
        return
    headers = dict(scope["headers"])
    status, body, extra = 200, scope["http_version"].encode(), []
    if scope["path"] == "/gzip":
        body, extra = gzip.compress(body * 1000), [(b"content-encoding", b"gzip")]
    elif scope["path"] == "/echo":
        body = headers[b"x-api-key"] + b" " + headers[b"host"]
    elif scope["path"] == "/port":
        body = str(scope["client"][1]).encode()
    elif headers.get(b"if-none-match") == b'"1"':
        status, body = 304, b""
    await send({"type": "http.response.start", "status": status, "headers": extra})
    for _ in range(500 if scope["path"] == "/long" else 0):
        await send({"type": "http.response.body", "body": bytes(60_000), "more_body": True})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def http2(authority: trustme.CA, directory: Path) -> Iterator[int]:
    """A server that offers HTTP/2 over TLS as news.example; its port."""
    certificate = authority.issue_cert("news.example")
    key, chain = directory / "key.pem", directory / "chain.pem"
    certificate.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile, config.keyfile = str(chain), str(key)
    config.graceful_timeout = 0.1
    config.errorlog = None
    end = threading.Event()

    async def run() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().run_in_executor(
            None,
            lambda loop: (end.wait(), loop.call_soon_threadsafe(ended.set)),
            asyncio.get_running_loop(),
        )
        await serve(_app, config, shutdown_trigger=ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        end.set()
        thread.join(30)
        listener.detach()  # hypercorn has closed it


def test_http2_is_spoken_where_it_is_offered(
    authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    """Bodies, 304s, packed bodies and headers come over HTTP/2, on one connection."""
    with http2(authority, tmp_path) as port:
        base = f"https://news.example:{port}"
        asks: list[FetchRequest | str] = [
            f"{base}/",
            FetchRequest(f"{base}/", etag='"1"'),
            f"{base}/gzip",
            FetchRequest(f"{base}/echo", headers=(("X-Api-Key", "k"),)),
        ]
        answers = in_turn(asks, resolve=news, ca_file=ca_file, allow_ports=[port])
    assert [answer.status for answer in answers] == [200, 304, 200, 200]
    bodies = [b"2", b"", b"2" * 1000, f"k news.example:{port}".encode()]
    assert [answer.body for answer in answers] == bodies


def test_a_body_left_over_http2_harms_no_later_one(
    authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    """A connection is kept, but not where a body was left: the rest would fill its window."""
    with http2(authority, tmp_path) as port:
        base = f"https://news.example:{port}"
        long_request = FetchRequest(f"{base}/long", max_bytes=100_000)
        asks: list[FetchRequest | str] = [
            f"{base}/port",
            f"{base}/port",
            long_request,
            f"{base}/port",
        ]
        answers = in_turn(asks, resolve=news, ca_file=ca_file, allow_ports=[port])
    assert len(answers[2].body) == 100_000
    assert answers[0].body == answers[1].body != answers[3].body
