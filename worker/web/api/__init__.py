"""The HTTP API, `/api/v1`: what the pages show and do, as JSON. docs/api.md describes it.

=============  ======================================================================
``enqueue``    accept files and addresses as a job
``jobs``       list jobs, show one, retry what was refused in it; the status
``articles``   list, search and show articles; explain one
``quarantine`` list, show, download, retry and discard refused inputs
``feeds``      list, add, remove and poll feeds; pause and resume sources
``endpoint``   what all share: checked parameters and bodies, the check of the sender
=============  ======================================================================
"""

from starlette.routing import BaseRoute

from worker.web.api import articles, enqueue, feeds, jobs, quarantine

routes: list[BaseRoute] = [
    *enqueue.routes,
    *jobs.routes,
    *articles.routes,
    *quarantine.routes,
    *feeds.routes,
]
"""Each names its whole path."""
