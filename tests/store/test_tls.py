"""`rediss://` and rotated passwords, for redis-py and for Celery's broker alike."""

import logging
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
import trustme

from tests.nodes import Node
from tests.servers import Server, new_directory
from worker.errors import StoreRefused, StoreUnavailable
from worker.settings import load
from worker.store.connection import connect, redis_url
from worker.store.server import get_server_info
from worker.taskqueue.celery_app import QUEUE, create_app, queue_name

SECRET = "s3cret-of-redis"


class TlsServer:
    """Accepts, and keeps every byte that comes through TLS."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.accepted = 0
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._door.accept()
                self.accepted += 1
                plain.settimeout(10)
                with self._context.wrap_socket(plain, server_side=True) as client:
                    while data := client.recv(4096):
                        self.received += data
                        client.sendall(b"-WRONGPASS invalid username-password pair\r\n")
            except (ssl.SSLError, ConnectionError, TimeoutError):
                continue
            except OSError:
                return

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve() -> Iterator[Callable[[trustme.LeafCert], TlsServer]]:
    made: list[TlsServer] = []

    def start(certificate: trustme.LeafCert) -> TlsServer:
        made.append(TlsServer(certificate))
        return made[-1]

    yield start
    for server in made:
        server.close()


class TlsPort:
    """A port before a server without TLS: it takes TLS and plain connections. `tls_count` counts
    the former."""

    def __init__(self, certificate: trustme.LeafCert, target: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.tls_count = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(plain,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if client.recv(1, socket.MSG_PEEK) == b"\x16":  # the first byte of a handshake
                client = self._context.wrap_socket(client, server_side=True)
                self.tls_count += 1
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                other = {client: server, server: client}
                while True:
                    for ready in select([client, server], [], [])[0]:
                        data = ready.recv(65_536)
                        if isinstance(ready, ssl.SSLSocket):
                            data += b"".join(ready.recv(n) for n in iter(ready.pending, 0) if data)
                        if not data:
                            return
                        other[ready].sendall(data)

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def watched(authority: trustme.CA) -> Iterator[tuple[TlsPort, TlsPort]]:
    """The ports of a Sentinel and of the primary that it watches: real servers behind TLS."""
    directory, certificate = new_directory(), authority.issue_cert("127.0.0.1")
    primary = Node(directory / "server", "--save", "").start()
    inner = TlsPort(certificate, primary.port)
    sentinel = Node(directory / "sentinel", "--sentinel")
    (sentinel.directory / "node.conf").write_text(
        f"sentinel monitor news 127.0.0.1 {inner.port} 1\n"
    )
    sentinel.start()
    outer = TlsPort(certificate, sentinel.port)
    try:
        yield outer, inner
    finally:
        for port in (outer, inner):
            port.close()
        for node in (sentinel, primary):
            node.kill()
        shutil.rmtree(directory, ignore_errors=True)


def by_redis_py(settings: Any) -> None:
    get_server_info(connect(redis_url(settings)))


def by_celery(settings: Any) -> None:
    create_app(settings).send_task("newsdrop.scan", retry=False)


WAYS = pytest.mark.parametrize("reach", [by_redis_py, by_celery])


def settings_for(server: TlsServer, state: Path, **options: str) -> Any:
    url = f"rediss://:{SECRET}@127.0.0.1:{server.port}/0?{urlencode(options)}"
    return load(options={"state_dir": state, "redis.url": url})


@WAYS
@pytest.mark.parametrize("fault", ["foreign", "another name"])
def test_an_unknown_server_gets_no_password(
    reach: Callable[[Any], None],
    fault: str,
    authority: trustme.CA,
    serve: Callable[[trustme.LeafCert], TlsServer],
    tmp_path: Path,
) -> None:
    """A foreign authority or host name ends the handshake without a byte."""
    host = "127.0.0.1" if fault == "foreign" else "redis.example.org"
    server = serve(authority.issue_cert(host))
    file = tmp_path / "ca.pem"
    (authority if fault == "another name" else trustme.CA()).cert_pem.write_to_path(str(file))
    with pytest.raises(Exception, match=r"(?i)certificate"):
        reach(settings_for(server, tmp_path, ssl_ca_certs=str(file)))
    assert server.accepted
    assert server.received == b""


@WAYS
@pytest.mark.parametrize("options", [{}, {"ssl_cert_reqs": "none"}])
def test_the_options_of_the_url_count(
    reach: Callable[[Any], None],
    options: dict[str, str],
    authority: trustme.CA,
    serve: Callable[[trustme.LeafCert], TlsServer],
    tmp_path: Path,
) -> None:
    """The operator's authority, or no verification if the URL says so, for both clients."""
    server = serve(authority.issue_cert("127.0.0.1"))
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with pytest.raises(Exception, match=r"(?i)password"):
        reach(settings_for(server, tmp_path, **(options or {"ssl_ca_certs": str(file)})))
    assert SECRET.encode() in server.received


def test_a_rotated_password_is_read_again(
    tmp_path: Path, own_server: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """New connections use it and a line says so, Celery's too; a missing file changes nothing."""
    server = own_server(options=("--requirepass", "first"))
    file = tmp_path / "password"
    file.write_text("first\n")
    given = {"state_dir": tmp_path, "redis.url": server.url, "redis.password_file": str(file)}
    settings = load(options=given)
    client: Any = connect(redis_url(settings))
    app = create_app(settings)
    assert client.ping()
    app.send_task("newsdrop.scan")
    file.unlink()
    client.connection_pool.disconnect()
    assert client.ping()

    assert client.config_set("requirepass", "second")
    file.write_text("first\n")
    client.connection_pool.disconnect()
    with pytest.raises((StoreRefused, StoreUnavailable)):
        get_server_info(client)
    file.write_text("second\n")
    with caplog.at_level(logging.WARNING):
        assert get_server_info(client).run_id
        with app.connection_for_write() as broker:
            app.send_task("newsdrop.scan", connection=broker)
    assert client.llen(queue_name(QUEUE, settings.state_dir)) == 2
    messages = [r.message for r in caplog.records if "redis.password_file has changed" in r.message]
    assert len(messages) == 2


def test_a_connection_that_lost_its_user_is_made_again(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """After NOAUTH the next command uses a new connection with the file's password."""
    server = own_server()
    file = tmp_path / "password"
    file.write_text("first\n")
    server.client().config_set("requirepass", "first")
    given = {"redis.url": server.url, "redis.password_file": str(file), "state_dir": str(tmp_path)}
    client: Any = connect(redis_url(load(options=given)))
    assert client.ping()
    client.config_set("requirepass", "second")
    file.write_text("second\n")
    client.execute_command("RESET")
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    assert client.ping()


@WAYS
def test_sentinels_by_tls(
    reach: Callable[[Any], None],
    watched: tuple[TlsPort, TlsPort],
    authority: trustme.CA,
    tmp_path: Path,
) -> None:
    """Both are reached with the operator's authority; with a foreign one neither is."""
    sentinel, primary = watched
    names = {"own": authority, "foreign": trustme.CA()}
    for name, one in names.items():
        one.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))

    def settings(name: str) -> Any:
        options = urlencode({"master": "news", "tls": "true", "ssl_ca_certs": tmp_path / name})
        url = f"sentinel://127.0.0.1:{sentinel.port}/0?{options}"
        return load(options={"state_dir": tmp_path, "redis.url": url})

    with pytest.raises(Exception):  # noqa: B017, PT011  each library has its own
        reach(settings("foreign.pem"))
    assert (sentinel.tls_count, primary.tls_count) == (0, 0)
    reach(settings("own.pem"))
    assert sentinel.tls_count > 0
    assert primary.tls_count > 0
