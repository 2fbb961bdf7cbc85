"""`/live`: the regions of a page that changed, as server-sent events, one event a region.

What a page shows and what is sent of it are the same templates. A view is looked at once for all
who watch it, at most once a second, and not at all while nobody does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from markupsafe import Markup, escape
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from worker.errors import NewsdropError
from worker.web.rendering import Pages
from worker.web.responses import problem
from worker.web.shared import Shared, SharedByKey

Regions = Mapping[str, str]
"""HTML by region: the id of the element whose content it is."""

MOST_STREAMS = 200
_PING_SECONDS = 20
_SEND_SECONDS = 20.0
"""A reader who takes nothing for so long is let go."""

NOTICE = "notice"
"""The region in which a page says that it is not up to date any more."""


View = Callable[[Request], tuple[tuple[str, ...], Callable[[Pages], Regions]]]
"""A page that is watched: what of it a request asks for, as a key, and how that is made. Making
blocks, and is done in a thread."""


class Live:
    """The regions of all pages. `views` are by the name that `?page=` gives."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = views
        self._shared: SharedByKey[Regions] = SharedByKey()
        self.open = 0

    async def regions(self, request: Request, name: str) -> Regions:
        """What the page `name` shows now, ready for a template. Raises what making it raises."""
        regions = await self._watched(request, name).get()
        return {region: Markup(html) for region, html in regions.items()}  # noqa: S704  # ours

    def changed(self) -> None:
        """Somebody changed something: what is shown from now on is looked at again."""
        self._shared.forget()

    async def answer(self, request: Request) -> Response:
        """The stream of what changes."""
        asked = request.query_params
        name = asked.get("page") or ("job" if "job" in asked else "overview")
        if name not in self._views:
            return problem(request, 404, "There is no such page to watch.")
        if self.open >= MOST_STREAMS:
            return problem(request, 503, "Too many pages are open: close some of them.")
        return _Counted(
            self,
            self._events(self._watched(request, name)),
            ping=_PING_SECONDS,
            send_timeout=_SEND_SECONDS,
            sep="\n",
        )

    def _watched(self, request: Request, name: str) -> Shared[Regions]:
        key, make = self._views[name](request)
        pages: Pages = request.app.state.pages
        return self._shared.of((name, *key), lambda: make(pages))

    async def _events(self, shared: Shared[Regions]) -> AsyncIterator[ServerSentEvent]:
        sent: dict[str, str] = {}
        while True:
            for region, html in (await _look(shared)).items():
                if sent.get(region) != html:
                    sent[region] = html
                    yield ServerSentEvent(data=html, event=region)
            await asyncio.sleep(shared.fresh_seconds)


class _Counted(EventSourceResponse):
    """A stream that is one of the open ones from its very beginning: its first event comes later,
    and of 250 that began at once none was refused."""

    def __init__(self, live: Live, events: AsyncIterator[ServerSentEvent], **how: Any) -> None:
        super().__init__(events, **how)
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._live.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.open -= 1


async def _look(shared: Shared[Regions]) -> Regions:
    """What is shown now; where that cannot be had, why."""
    try:
        return {NOTICE: "", **await shared.get()}
    except NewsdropError as error:
        return {NOTICE: str(escape(str(error)))}
