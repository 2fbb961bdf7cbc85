"""Connections to checked addresses only: no name leads into a network that is not public.

A name is resolved once, each of its addresses is checked, and the connection goes to a checked
address, while TLS still verifies the name. So a name with one public and one private address, or
one that changes between check and connection, reaches nothing.
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
from worker.fetch.network_stream import NetworkStream
from worker.settings.fields import FetchSettings

Resolve = Callable[[str, int], Sequence[str]]
"""(name, port) → IP addresses as text, best first; may block. Raises OSError or UnicodeError."""

_MAX_TRIED = 4
"""Addresses of one name; a large site has many, all of one provider."""


class Blocked(httpcore.ConnectError):
    """No connection, and why; :mod:`worker.fetch.http` turns it into a FetchFailed."""

    def __init__(self, trouble: Trouble, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message
        self.refused = refused


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses from the system's resolver, in its order."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


class Guard(httpcore.AsyncNetworkBackend):
    """Opens httpcore's connections. Raises Blocked."""

    def __init__(self, settings: FetchSettings, resolve: Resolve = system_resolve) -> None:
        self._allowed = settings.allow_networks
        self._seconds = settings.connect_seconds
        self._resolve = resolve
        # Its own threads: a resolver that hangs must not block the loop's other jobs.
        self._threads = ThreadPoolExecutor(settings.concurrency, "resolve")

    def close(self) -> None:
        """Does not wait for lookups that hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await self._checked_addresses(host, port))[:_MAX_TRIED]
        loop, problem = asyncio.get_running_loop(), ""
        for address in addresses:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):
                    # An address, not a name: asyncio has nothing left to resolve.
                    _, stream = await loop.create_connection(
                        lambda: _GuardedStream(self._seconds), str(address), port
                    )
                    return stream
            except TimeoutError:
                problem = "no answer"
            except OSError as error:
                problem = os.strerror(error.errno) if error.errno else str(error)
        raise Blocked(
            Trouble.CONNECT,
            f"{printable(host)} does not accept a connection at {addresses[-1]}, port {port} "
            f"({printable(problem, 100).lower()}): check whether it is down",
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Blocked(Trouble.ADDRESS, "a Unix socket is not a web server", refused=True)

    async def _checked_addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of `host`. One that may not be connected to refuses the host."""
        try:
            addresses = [ip_address(host)]
        except ValueError:
            addresses = await self._look_up(host, port)
        for address in addresses:
            if not may_connect(address, self._allowed):
                is_name = str(address) != host
                resolved = f" resolves to {address}, which" if is_name else ""
                raise Blocked(
                    Trouble.ADDRESS,
                    f"{printable(host)}{resolved} is not public: list its network in "
                    "fetch.allow_networks (NEWSDROP_FETCH_ALLOW_NETWORKS) if it is yours",
                    refused=True,
                )
        return addresses

    async def _look_up(self, host: str, port: int) -> list[Address]:
        loop, name = asyncio.get_running_loop(), printable(host)
        try:
            async with asyncio.timeout(self._seconds):
                texts = await loop.run_in_executor(self._threads, self._resolve, host, port)
            addresses = [ip_address(text) for text in texts]
        except TimeoutError:
            message = f"{name} was not resolved within {self._seconds:g} s: try later"
            raise Blocked(Trouble.DNS, message) from None
        except (OSError, ValueError) as error:
            is_unknown = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
            hint = "check its spelling" if is_unknown else "try later"
            raise Blocked(Trouble.DNS, f"{name} cannot be resolved: {hint}") from error
        if not addresses:
            raise Blocked(Trouble.DNS, f"{name} has no address: check its spelling")
        return addresses


class _GuardedStream(NetworkStream):
    """Bounds the TLS handshake, and explains its errors."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        server = printable(server_hostname or "the server")
        try:
            async with asyncio.timeout(self._seconds):
                return await super().start_tls(ssl_context, server_hostname)
        except OSError as error:  # TimeoutError is one, and ssl.SSLError
            raise Blocked(Trouble.TLS, self._explain(error, server)) from error

    def _explain(self, error: OSError, server: str) -> str:
        if isinstance(error, TimeoutError):
            return f"{server} did not begin TLS within {self._seconds:g} s: try later"
        if isinstance(error, ssl.SSLCertVerificationError):
            why = printable(error.verify_message or str(error), 120).rstrip(".")
            return (
                f"the certificate of {server} is not valid ({why}): "
                "if the server is yours, set fetch.ca_file to its authority"
            )
        why = printable(getattr(error, "reason", None) or error.strerror or "closed", 120)
        return f"no TLS connection with {server} ({why}): check whether it uses https"
