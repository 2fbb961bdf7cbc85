"""The HTTP API, `/api/v1`: what the pages show and do, as JSON. docs/api.md describes it.

=============  ======================================================================
``enqueue``    files and addresses accepted as a job
``jobs``       jobs, one of them, what was refused of it retried
``articles``   the newest, by words, one of them; an explanation
``quarantine`` what was refused: a page, a look, its bytes, retry, discard
``feeds``      feeds: how they stand, added, removed, polled; sources held
``status``     how everything stands
``endpoint``   what each of them is: parameters, body and errors in one place
``request``    what a request asks for, checked
``responses``  JSON, and problems as RFC 9457 has them
=============  ======================================================================
"""

from starlette.routing import BaseRoute

from worker.web.api import articles, enqueue, feeds, jobs, quarantine, status

routes: list[BaseRoute] = [
    *enqueue.routes,
    *jobs.routes,
    *articles.routes,
    *quarantine.routes,
    *feeds.routes,
    *status.routes,
]
"""Each names its whole path."""
