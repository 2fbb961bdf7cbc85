"""One address fetched from a test's own server, as the settings of each test say."""

import asyncio
from typing import Any

import pytest

from tests.http_server import Web
from worker.errors import FetchFailed, Trouble
from worker.fetch import Fetcher, FetchRequest, FetchResponse
from worker.fetch.guard import Resolve, system_resolve
from worker.settings.fields import FetchSettings

LOOPBACK = ("127.0.0.0/8",)


def settings(*webs: Web, **keys: Any) -> FetchSettings:
    """Loopback and the servers' ports are allowed, unless `keys` say otherwise."""
    given = {"allow_networks": LOOPBACK, "allow_ports": [web.port for web in webs], **keys}
    return FetchSettings.model_validate(given)


def fetched(
    request: FetchRequest | str, *webs: Web, resolve: Resolve = system_resolve, **keys: Any
) -> FetchResponse:
    """The answer to one request by a new Fetcher."""
    return in_turn([request], *webs, resolve=resolve, **keys)[0]


def in_turn(
    request: list[FetchRequest | str], *webs: Web, resolve: Resolve = system_resolve, **keys: Any
) -> list[FetchResponse]:
    """The answers to requests made one after the other by one Fetcher."""

    async def run() -> list[FetchResponse]:
        async with Fetcher(settings(*webs, **keys), resolve=resolve) as fetcher:
            asks = [FetchRequest(one) if isinstance(one, str) else one for one in request]
            return [await fetcher.get(one) for one in asks]

    return asyncio.run(run())


def failure(
    trouble: Trouble,
    request: FetchRequest | str,
    *webs: Web,
    resolve: Resolve = system_resolve,
    refused: bool = False,
    **keys: Any,
) -> str:
    """What the FetchFailed of this kind says that `asked` ends with."""
    with pytest.raises(FetchFailed) as caught:
        fetched(request, *webs, resolve=resolve, **keys)
    assert caught.value.trouble is trouble, caught.value
    assert caught.value.refused is refused
    message = str(caught.value)
    assert message.isprintable()
    assert not message.endswith(".")
    return message
