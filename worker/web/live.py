"""`/live`: the regions of a page that changed, as server-sent events, one event a region.

Pages and events come from the same templates. A view is rendered once for all its watchers, at most
once a second, and not at all while there are none.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from worker.errors import NewsdropError
from worker.settings import Settings
from worker.translation import current_language, message, use_language
from worker.web.filtering import name_in_path
from worker.web.rendering import Pages
from worker.web.responses import page, problem
from worker.web.shared import Shared

Regions = Mapping[str, str]
"""HTML by region: the id of the element whose content it is."""

MAX_STREAMS = 200
_MAX_VIEWS = 64
"""Renderings kept, one for each set of parameters; the least recently used are dropped."""

_PING_SECONDS = 20
_SEND_SECONDS = 20.0
"""A client that reads nothing for so long is disconnected."""

NOTICE = "notice"
"""The region in which a page says that it is no longer up to date."""


@dataclass(frozen=True, slots=True)
class View:
    """A watched page: its parameters in a request, and its rendering from them.

    `render` is called with the settings, the templates and each parameter. It blocks: it runs in a
    thread."""

    render: Callable[..., Regions]
    parameters: Callable[[Request], tuple[str, ...]] = lambda _: ()


class Live:
    """The regions of all pages. `views` are by the name in `?page=`."""

    def __init__(self, settings: Settings, views: Mapping[str, View]) -> None:
        self._settings = settings
        self._views = views
        self._shared: OrderedDict[tuple[str, ...], Shared[Regions]] = OrderedDict()
        self.open_count = 0

    async def regions(self, request: Request, view: str) -> Regions:
        """The present content of `view`, as markup. Raises what rendering raises."""
        regions = await self._shared_view(request, view).get()
        return {name: Markup(html) for name, html in regions.items()}  # noqa: S704  # ours

    def refresh(self) -> None:
        """Render everything again from now on: something has changed."""
        for shared in self._shared.values():
            shared.expire()

    async def stream(self, request: Request) -> Response:
        query = request.query_params
        name = query.get("page") or ("job" if "job" in query else "overview")
        if name not in self._views:
            return problem(request, 404, "There is no such page to watch.")
        if self.open_count >= MAX_STREAMS:
            return problem(request, 503, "Too many pages are open: close some of them.")
        return _CountedResponse(
            self,
            self._events(self._shared_view(request, name)),
            ping=_PING_SECONDS,
            send_timeout=_SEND_SECONDS,
            sep="\n",
        )

    def _shared_view(self, request: Request, name: str) -> Shared[Regions]:
        view = self._views[name]
        pages: Pages = request.app.state.pages
        parameters = view.parameters(request)
        language = current_language()

        def render() -> Regions:
            with use_language(language):
                return view.render(self._settings, pages, *parameters)

        key = (language, name, *parameters)
        if key not in self._shared:
            self._shared[key] = Shared(render)
        self._shared.move_to_end(key)
        if len(self._shared) > _MAX_VIEWS:
            self._shared.popitem(last=False)
        return self._shared[key]

    async def _events(self, shared: Shared[Regions]) -> AsyncIterator[bytes]:
        sent: Regions = {}
        while True:
            try:
                update: Regions = {NOTICE: "", **await shared.get()}
            except NewsdropError as error:
                update = {NOTICE: str(escape(message(str(error))))}
            regions = {**sent, **update}
            changed = [(name, html) for name, html in regions.items() if sent.get(name) != html]
            if changed:
                sent = regions
                yield b"".join(_encode(name, html) for name, html in changed)
            await asyncio.sleep(shared.fresh_seconds)


async def live_page(request: Request, view: str, template: str, **context: Any) -> Response:
    """A whole page with the regions of `view`."""
    live: Live = request.app.state.live
    return page(request, template, regions=await live.regions(request, view), **context)


def get_name(request: Request, kind: str) -> str:
    """The name of what a page shows: in the page's path, and in the query of its live regions."""
    part = str(request.path_params.get(kind, ""))
    return name_in_path(part) if part else request.query_params.get(kind, "")


class _CountedResponse(EventSourceResponse):
    """A stream that counts as open from the start, not from its first event, which comes later:
    otherwise 250 that began at once were all accepted."""

    def __init__(self, live: Live, events: AsyncIterator[bytes], **options: Any) -> None:
        super().__init__(events, **options)
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._live.open_count += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.open_count -= 1


@lru_cache(maxsize=_MAX_VIEWS)
def _encode(region: str, html: str) -> bytes:
    """The event of a region, made once for all who watch it."""
    return ServerSentEvent(data=html, event=region, sep="\n").encode()
