"""Connecting to a Redis server, and how commands and Lua scripts are sent."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import DataError, NoScriptError
from redis.retry import Retry

from worker.errors import ConfigError
from worker.escape import printable
from worker.logs import get_logger
from worker.redact import keep_secret
from worker.settings import Settings, first_line
from worker.settings.paths import embedded_socket
from worker.store.errors import translated
from worker.store.nodes import connect_nodes, has_nodes, parse_nodes

logger = get_logger(__name__)

Client = redis.Redis

_PASSWORD_FILE, _SETTING = "password_file", "password_setting"  # options of the URL
_PASSWORD_KEY = "redis.password_file"  # noqa: S105  a setting


def connect(url: str, key: str = "redis.url") -> Client:
    """A client of the server at `url` (redis, rediss or unix), or of the one that serves of several
    nodes (sentinel, cluster); its replies are bytes.

    It connects at the first command. A command is sent **once**: by default redis-py repeats it
    up to ten times after a lost reply, and a repeated write is a second write. The caller decides
    whether a retry is safe.

    Raises ConfigError if `url`, which the setting `key` has, is invalid, or the password file that
    it names cannot be read.
    """
    try:
        url, credentials = split_password_file(url)
        options: dict[str, Any] = {
            "credential_provider": credentials,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "health_check_interval": 25,
            "decode_responses": False,
            "command_packer": CommandPacker(),
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        }
        if has_nodes(url):
            return connect_nodes(parse_nodes(url), options)
        return redis.Redis.from_url(url, **options)
    except ValueError as error:
        # The message of `urllib` is left out: it quotes the port, which may be part of a password.
        raise ConfigError(
            f"{key} {printable_url(url)} is not usable: write it as "
            "redis://:PASSWORD@HOST:PORT/0, a password's / : @ # ? as "
            "%2F %3A %40 %23 %3F, or put the password into a file of its own; Sentinels as "
            "sentinel://HOST:26379,HOST:26379/0?master=NAME"
        ) from error


def redis_url(settings: Settings) -> str:
    """The configured server, else the one that `newsdrop up` runs for this state directory.

    A password file is an option of the URL, so that each new connection reads it. Raises
    ConfigError if it cannot be read.
    """
    url, file = settings.redis.url, settings.redis.password_file
    if not url:
        return socket_url(str(embedded_socket(settings.state_dir)))
    if url.startswith("cluster:"):  # whose node is that of the stream
        url = with_options(url, stream=settings.stream.name)
    if file is None or urlsplit(url).password:
        return url
    return with_password_file(url, file, _PASSWORD_KEY)


def with_password_file(url: str, file: Path, key: str) -> str:
    """`url` with an option that names its password file, which the setting `key` names.

    Raises ConfigError if it cannot be read.
    """
    first_line(file, key)
    return with_options(url, **{_PASSWORD_FILE: file, _SETTING: key})


def with_options(url: str, **options: object) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(options)}"


def split_password_file(url: str) -> tuple[str, "PasswordFile | None"]:
    """`url` as redis-py and kombu know it, and its password file's credentials."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    file, key = options.pop(_PASSWORD_FILE, None), options.pop(_SETTING, _PASSWORD_KEY)
    if file is None:
        return url, None
    user, _, host = parts.netloc.rpartition("@")
    # Not `urlunsplit`, which writes `unix:/path`, and redis-py reads only `unix:///path`.
    plain = f"{parts.scheme}://{host}{parts.path}" + (f"?{urlencode(options)}" if options else "")
    return plain, PasswordFile(unquote(user.rstrip(":")), Path(file), key)


def tls_options(url: str) -> dict[str, Any]:
    """The `ssl_…` options of redis-py for a URL with TLS; empty for any other.

    Certificate and host name are verified unless the URL's query says otherwise.
    """
    if has_nodes(url):
        return parse_nodes(url).tls
    if not url.startswith("rediss:"):
        return {}
    in_url = redis.connection.parse_url(url)  # type: ignore[no-untyped-call]
    defaults = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return defaults | {name: value for name, value in in_url.items() if name.startswith("ssl_")}


class PasswordFile(redis.CredentialProvider):
    """The user and the password in a file. Each new connection reads it again, so a rotated
    password needs no restart. Raises ConfigError if it cannot be read at first."""

    def __init__(self, user: str, file: Path, key: str) -> None:
        self._user, self._file, self._key = user, file, key
        self._password = first_line(file, key)

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        with suppress(ConfigError):  # it is being replaced: the one before may still be valid
            password = first_line(self._file, self._key)
            if password != self._password:
                self._password = password
                keep_secret(password)
                logger.warning(f"{self._key} has changed, the new password is used")
        return (self._user, self._password) if self._user else (self._password,)


def server_ms(client: Any) -> int:
    """The server's time, Unix ms. Raises errors of redis."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def to_text(reply: bytes | str) -> str:
    """A reply as text; other programs may have written what is not UTF-8."""
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def socket_url(path: str) -> str:
    """The URL of a Unix socket at any path."""
    return "unix://" + quote(path)


def printable_url(url: str) -> str:
    """`url` for people: without password, user and query (which can hold both)."""
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2]
        for host in hosts.split(","):
            _ = urlsplit(f"//{host}").port  # else an unescaped `/` of a password ended the host
    except ValueError:
        return "(not a URL)"
    return printable(f"{parts.scheme}://{hosts}{parts.path}")


_SOURCES = {
    file.name: file.read_bytes()
    for file in resources.files("worker.store").iterdir()
    if file.name.endswith(".lua")
}
"""Read at import: processes of a service whose files are upgraded under it would mix its code with
the new scripts."""


class Script:
    """One of the ``.lua`` files beside this module, called by its hash.

    A script runs without any other command in between. The server does not undo the writes of a
    script that fails: one that writes several keys is given the functions of
    ``preconditions.lua``, to check all of them before.
    """

    def __init__(self, *names: str) -> None:
        self.source = b"".join(_SOURCES[name] for name in names)
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()

    def run(self, client: Client, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Any:
        """Return the script's result as bytes, ints and lists.

        It is sent once, and a second time with its source only if the server does not know the
        hash and so has not run it. Raises as :func:`~worker.store.errors.translated` does.
        """
        send: Any = client.execute_command
        with translated():
            try:
                return send("EVALSHA", self.sha, len(keys), *keys, *args)
            except NoScriptError:
                return send("EVAL", self.source, len(keys), *keys, *args)


class CommandPacker:
    """Packs a whole command into one buffer.

    redis-py's own packer starts a new buffer, and so a system call, for every argument above 6 kB:
    two hundred for a hundred articles, and each of them wakes the server. With one buffer
    publishing took 13 % less time and 24 % less of the client's CPU (18 kB an article, medians of
    200 alternating calls).
    """

    def pack(self, *args: object) -> list[bytes]:
        """`args` in the Redis protocol (RESP), as a list of one item.

        Raises DataError for types that redis-py refuses too.
        """
        # The name of a command may have two words (`SCRIPT FLUSH`): each is an argument.
        parts = [word for arg in args[:1] for word in _encode(arg).split()]
        # Nearly all are bytes: a call for each took a quarter of the time.
        parts += [arg if type(arg) is bytes else _encode(arg) for arg in args[1:]]
        buffer = [b"*%d" % len(parts)]
        for part in parts:
            buffer += (b"\r\n$%d\r\n" % len(part), part)
        buffer.append(b"\r\n")
        return [b"".join(buffer)]


def _encode(arg: object) -> bytes:
    if isinstance(arg, bytes):
        return arg
    if isinstance(arg, str):
        return arg.encode("utf-8")
    if isinstance(arg, int | float) and not isinstance(arg, bool):
        return repr(arg).encode("ascii")
    if isinstance(arg, bytearray | memoryview):
        return bytes(arg)
    raise DataError(f"cannot be sent to Redis: {type(arg).__name__}")
