"""Connecting: commands are sent once, errors have advice, and no credentials are shown."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.servers import Server
from worker.errors import ConfigError, Retryable, StoreFull, StoreUnavailable
from worker.settings import Settings, load
from worker.store import connection
from worker.store.connection import connect, printable_url, redis_url
from worker.store.errors import translated
from worker.store.rights import check_rights
from worker.store.server import get_server_info


def test_talks_to_a_server_over_a_unix_socket(redis_server: Server) -> None:
    """A client made from a socket's URL reaches the server, and replies are bytes."""
    client = connect(redis_server.url)
    client.set("k", "报".encode())
    assert client.get("k") == "报".encode()


def test_scripts_are_those_of_the_code_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts after the files were upgraded under its service reads no new one."""
    monkeypatch.delattr(connection, "resources")
    assert b"find_obstacle" in connection.Script("preconditions.lua", "take.lua").source


def test_large_commands_arrive_whole(redis_server: Server) -> None:
    """The one-piece packing keeps binary, empty, huge and numeric arguments as they are."""
    client = connect(redis_server.url)
    parts = [b"", b"\r\n$3\r\n\x00\xff", b"x" * 3_000_000, "汉", 7, 1.5]
    client.rpush("l", *parts)
    assert client.lrange("l", 0, -1) == [*parts[:3], "汉".encode(), b"7", b"1.5"]


def test_the_rights_of_a_user_are_looked_up(redis_server: Server) -> None:
    """Missing rights are found without writing a key; Redis 6.2 tries commands."""
    client = connect(redis_server.url)
    assert check_rights(client, "articles").missing == ()
    assert client.keys("*") == []
    client.set("{articles}:any", "of another type")
    client.execute_command("ACL SETUSER", "other", "on", "nopass", "~*", "&*", "+@all", "-hset")
    other = connect(redis_server.url.replace("unix://", "unix://other:any@"))
    assert {right.command for right in check_rights(other, "articles").missing} == {"hset"}
    client.execute_command("ACL DELUSER", "other")


def test_no_server_is_unavailable(tmp_path: Path) -> None:
    """A socket without a server raises StoreUnavailable with its cause."""
    with pytest.raises(StoreUnavailable, match="check that it is running") as caught, translated():
        connect(f"unix://{tmp_path}/none.sock").ping()
    assert isinstance(caught.value.__cause__, redis.RedisError)
    pattern = (
        f"Redis cannot be reached at {tmp_path}/none.sock (no server has this socket); "
        "check that it is running"
    )
    assert str(caught.value) == pattern


def test_a_restarted_server_is_found_again(own_server: Callable[..., Server]) -> None:
    """A client works on a new connection at once."""
    server = own_server()
    client = connect(server.url)
    client.ping()
    server.stop()
    server.start()
    assert client.ping()


def test_bad_url_names_no_password() -> None:
    """A URL that cannot be used is a ConfigError that shows neither password nor user."""
    with pytest.raises(ConfigError) as caught:
        connect("http://me:geheim@host:1/0?password=geheim")
    assert "geheim" not in str(caught.value)
    assert "me" not in printable_url("redis://me:geheim@host:1/0?password=geheim").split("//")[1]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreFull, "maxmemory"),
        (
            "ERR Error running script: @user_script:9: -OOM command not allowed",
            StoreFull,
            "maxmemory",
        ),
        ("MISCONF Errors writing to the AOF file: No space left on device", StoreFull, "disk"),
        ("LOADING Redis is loading the dataset in memory", StoreUnavailable, "loading"),
        ("NOAUTH Authentication required.", StoreUnavailable, "password"),
        ("READONLY You can't write against a read only replica.", StoreUnavailable, "primary"),
        ("ERR max number of clients reached", StoreUnavailable, "raise it"),
        ("ERR something \x1b[31m new", Retryable, r"\\x1b"),
    ],
)
def test_answers_are_translated(answer: str, kind: type[Retryable], words: str) -> None:
    """Each kind of refusal is an error that its reader can act on."""
    from redis._parsers.base import BaseParser

    with pytest.raises(kind, match=words), translated():
        raise BaseParser.parse_error(answer)


def test_a_wrong_password_is_not_repeated(own_server: Callable[..., Server]) -> None:
    """The message says that the password is missing or wrong."""
    server = own_server(options=("--requirepass", "richtig"))
    url = server.url.replace("unix://", "unix://:falsch@")
    with pytest.raises(StoreUnavailable, match="password") as caught, translated():
        connect(url).ping()
    assert "falsch" not in str(caught.value)


def test_redis_url(tmp_path: Path) -> None:
    """The configured server goes first; else the embedded server's socket, below the state dir."""
    here = Settings(state_dir=tmp_path / "s")
    assert redis_url(here).startswith("unix:///")
    assert redis_url(Settings(redis={"url": "redis://h:1/2"})) == "redis://h:1/2"  # type: ignore[arg-type]


def test_a_long_state_directory_has_a_short_socket() -> None:
    """A socket path that the kernel would refuse is replaced by a short one, always the same."""
    from worker.settings.paths import embedded_socket

    deep = Path("/" + "d" * 90) / "state"
    assert embedded_socket(deep) == embedded_socket(deep)
    assert len(str(embedded_socket(deep))) < 100
    assert embedded_socket(deep) != embedded_socket(deep.parent)


def test_a_password_comes_from_its_file(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """`redis.password_file` is used if the address has none."""
    server = own_server(options=("--requirepass", "s3:cret@/"))
    file = tmp_path / "password"
    file.write_text("s3:cret@/\nnot this\n")
    given = {"state_dir": tmp_path, "redis.url": server.url, "redis.password_file": str(file)}
    assert get_server_info(connect(redis_url(load(options=given)))).run_id
    file.write_text("wrong\n")
    with pytest.raises(StoreUnavailable, match="refuses the user or password"):
        get_server_info(connect(redis_url(load(options=given))))
    file.write_text("\n")
    with pytest.raises(ConfigError, match=r"redis\.password_file: the first line .* is empty"):
        redis_url(load(options=given))


def test_an_invalid_url_is_not_repeated() -> None:
    """Its password may contain a slash; the message says how to write it."""
    with pytest.raises(ConfigError, match="%2F") as raised:
        connect("redis://:geh/eim@127.0.0.1:6379/0")
    assert "geh" not in str(raised.value)
    assert "eim" not in str(raised.value)
