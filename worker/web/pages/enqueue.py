"""`/enqueue`: files that are dropped onto the page or chosen, addresses that are pasted."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.enqueue import MOST_ADDRESSES, enqueue_addresses, enqueue_files
from worker.errors import ConfigError, NewsdropError
from worker.settings import MEGABYTE, Settings
from worker.web.forms import check_token, text
from worker.web.responses import page, see
from worker.web.statuses import status_for
from worker.web.uploads import MOST_FILES, is_upload, received


async def shown(request: Request) -> Response:
    return _form(request)


async def enqueued(request: Request) -> Response:
    """The one form or the other; then the job's page, on which its progress follows."""
    settings: Settings = request.app.state.settings
    typed = ""
    try:
        if is_upload(request):
            async with received(request) as sent:
                job = await run_in_threadpool(
                    enqueue_files,
                    settings,
                    sent.files,
                    source=sent.fields.get("source") or None,
                    force="force" in sent.fields,
                )
        else:
            form = await request.form(max_files=0, max_fields=20)
            check_token(request, text(form, "form_token"))
            typed = text(form, "addresses", 200_000)
            job = await run_in_threadpool(
                enqueue_addresses, settings, typed.split(), force=bool(form.get("force"))
            )
    except (ConfigError, HTTPException):
        raise
    except NewsdropError as error:
        return _form(request, str(error), status_for(error), typed=typed)
    request.app.state.live.changed()
    return see(f"/jobs/{job}")


def _form(
    request: Request, why: str | None = None, status: int = 200, *, typed: str = ""
) -> Response:
    """The page. `why` says what did not go, `typed` are the addresses that were sent."""
    settings: Settings = request.app.state.settings
    return page(
        request,
        "enqueue.html",
        status=status,
        why=why,
        typed=typed,
        folders=[str(one.path) for one in settings.all_folders() if not one.in_place],
        most_bytes=settings.web.upload_mb * MEGABYTE,
        most_files=MOST_FILES,
        most_addresses=MOST_ADDRESSES,
    )


routes = [Route("/enqueue", shown), Route("/enqueue", enqueued, methods=["POST"])]
