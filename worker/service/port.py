"""The status page's port: its socket is opened before its process starts, and needs a token if
other machines can reach it.

`up` opens it and passes it to each process of the page: the address stays the same, and while the
page restarts, browsers wait and are not refused.
"""

import errno
import socket
from collections.abc import Callable
from ipaddress import ip_address

from worker.errors import ConfigError
from worker.escape import printable
from worker.settings import Settings
from worker.settings.load import first_line

ServePage = Callable[[Settings, socket.socket], int]
"""Serves the status page at a listening socket until TERM; an exit code."""

_NEXT = 20
"""Number of ports tried after the configured one; then the kernel chooses."""

_BACKLOG = 256


def read_token(settings: Settings) -> str:
    """The required token; empty if none is set. Raises ConfigError."""
    if settings.web.token:
        return settings.web.token
    if settings.web.token_file is not None:
        return first_line(settings.web.token_file, "web.token_file")
    return ""


def open_port(settings: Settings, *, or_another: bool = False) -> socket.socket:
    """The listening socket at `web.host` and `web.port`.

    `or_another`: if that port is in use, take the next free one. Raises ConfigError, also if other
    machines could connect without a token.
    """
    host, port = settings.web.host, settings.web.port
    family, address = check_host(settings)
    ports = [port]
    if or_another and port:
        ports += [*range(port + 1, min(port + 1 + _NEXT, 65536)), 0]
    for candidate in ports:
        try:
            return _listen(family, address, candidate)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ConfigError(
                    f"web.host {printable(host)}: cannot open a port there: {error.strerror}"
                ) from error
            refusal = error
    if refusal.errno == errno.EACCES:
        raise ConfigError(f"web.port {port} is for root only: choose one above 1023") from refusal
    raise ConfigError(
        f"port {port} of {printable(host)} is in use, perhaps by another `newsdrop up`: "
        "choose another with --port N or web.port (0: any free port)"
    ) from refusal


def check_host(settings: Settings) -> tuple[socket.AddressFamily, str]:
    """The address of `web.host`. Raises ConfigError, also if other machines could connect without
    a token."""
    family, address = _resolved(settings.web.host)
    if not ip_address(address).is_loopback and not read_token(settings):
        raise ConfigError(
            f"with web.host {printable(settings.web.host)} others could read and change "
            "everything: set web.token or web.token_file, or keep 127.0.0.1 and put a proxy before "
            "it"
        )
    return family, address


def get_address(listening: socket.socket) -> str:
    """The page's address for a browser on this machine."""
    host, port = listening.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _resolved(host: str) -> tuple[socket.AddressFamily, str]:
    """The address of a host name, IPv4 first."""
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"web.host: {printable(host)} is not an address of this machine"
        ) from error
    family, _, _, _, address = min(addresses, key=lambda info: info[0] != socket.AF_INET)
    return family, str(address[0]).partition("%")[0]


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
