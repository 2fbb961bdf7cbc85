"""Connections to checked addresses only: no name leads into a network that is not public.

A name is resolved once, every address it has is judged, and the connection goes to an address that
was judged, while TLS still verifies the name. So a name with one public and one private address, or
one that changes its mind between the check and the connection, reaches nothing.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpcore

from worker.errors import Trouble
from worker.escape import printable
from worker.fetch.addresses import Address, may_connect
from worker.fetch.wire import Wire
from worker.settings.fields import FetchSettings

Resolve = Callable[[str, int], Sequence[str]]
"""(name, port) → IP addresses as text, best first; may block. Raises OSError or UnicodeError."""

_MOST_TRIED = 4
"""Addresses of one name; those of a large site are many, and all of one provider."""


class Blocked(httpcore.ConnectError):
    """No connection, and why; :mod:`worker.fetch.http` makes a FetchFailed of it."""

    def __init__(self, trouble: Trouble, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message
        self.refused = refused


def system_resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard(httpcore.AsyncNetworkBackend):
    """Makes httpcore's connections. Raises Blocked."""

    def __init__(self, settings: FetchSettings, resolve: Resolve = system_resolve) -> None:
        self._allowed = settings.allow_networks
        self._seconds = settings.connect_seconds
        self._resolve = resolve
        # Threads of its own: a resolver that hangs must not hold what else the loop gives away.
        self._threads = ThreadPoolExecutor(settings.concurrency, "resolve")

    def close(self) -> None:
        """Lookups that still hang end by themselves, and nobody waits for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._addresses(host, port))[:_MOST_TRIED]
        shown, met = printable(host), ""
        for address in addresses:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):
                    return await self._connected(address, port)
            except TimeoutError:
                met = "no answer"
            except OSError as error:
                met = os.strerror(error.errno) if error.errno else str(error)
        raise Blocked(
            Trouble.CONNECT,
            f"{shown} does not accept a connection at {addresses[-1]}, port {port} "
            f"({printable(met, 100).lower()}): is it down?",
        )

    async def _connected(self, address: Address, port: int) -> Wire:
        loop = asyncio.get_running_loop()
        # An address, not a name: asyncio has nothing left to resolve.
        _, wire = await loop.create_connection(
            lambda: _GuardedWire(self._seconds), str(address), port
        )
        return wire

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Blocked(Trouble.ADDRESS, "a Unix socket is no web server", refused=True)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        """All that `host` is, checked: one that may not be connected to refuses it altogether."""
        shown = printable(host)
        try:
            addresses = [ip_address(host)]
        except ValueError:
            addresses = await self._looked_up(host, port)
        for address in addresses:
            if not may_connect(address, self._allowed):
                is_name = str(address) != host
                told = f"{shown} resolves to {address}, which is" if is_name else f"{shown} is"
                raise Blocked(
                    Trouble.ADDRESS,
                    f"{told} not public: list its network in fetch.allow_networks "
                    "(NEWSDROP_FETCH_ALLOW_NETWORKS) if it is yours",
                    refused=True,
                )
        return addresses

    async def _looked_up(self, host: str, port: int) -> list[Address]:
        shown = printable(host)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.run_in_executor(self._threads, self._resolve, host, port)
            addresses = [ip_address(text) for text in found]
        except TimeoutError:
            raise Blocked(
                Trouble.DNS,
                f"the name {shown} was not resolved within {self._seconds:g} s: try later",
            ) from None
        except socket.gaierror as error:
            hint = "try later" if error.errno == socket.EAI_AGAIN else "check its spelling"
            raise Blocked(Trouble.DNS, f"the name {shown} cannot be resolved: {hint}") from error
        except (OSError, ValueError) as error:
            raise Blocked(Trouble.DNS, f"the name {shown} cannot be resolved: try later") from error
        if not addresses:
            raise Blocked(Trouble.DNS, f"the name {shown} has no address: check its spelling")
        return addresses


class _GuardedWire(Wire):
    """A Wire whose TLS handshake is bounded, and says what is wrong."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        shown = printable(server_hostname or "the server")
        try:
            async with asyncio.timeout(self._seconds):
                return await super().start_tls(ssl_context, server_hostname)
        except TimeoutError as error:
            said = f"{shown} did not begin TLS within {self._seconds:g} s: try later"
            raise Blocked(Trouble.TLS, said) from error
        except ssl.SSLCertVerificationError as error:
            why = printable(error.verify_message or str(error), 120).rstrip(".")
            raise Blocked(
                Trouble.TLS,
                f"the certificate of {shown} is not valid ({why}): "
                "if it is yours, name its authority in fetch.ca_file",
            ) from error
        except OSError as error:
            why = printable(getattr(error, "reason", None) or error.strerror or "closed", 120)
            raise Blocked(
                Trouble.TLS, f"no TLS with {shown} ({why}): is it https at all?"
            ) from error
