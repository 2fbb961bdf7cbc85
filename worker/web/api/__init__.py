"""The HTTP API, `/api/v1`: what the pages show and do, as JSON. docs/api.md describes it."""

from starlette.routing import BaseRoute

from worker.web.api import articles, enqueue, feeds, groups, jobs, quarantine, reparse

routes: list[BaseRoute] = [
    *enqueue.routes,
    *jobs.routes,
    *articles.routes,
    *quarantine.routes,
    *feeds.routes,
    *groups.routes,
    *reparse.routes,
]
"""Each names its whole path."""
