"""`/enqueue`: files that are dropped onto the page or chosen, and pasted addresses."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.enqueue import MAX_ADDRESSES, enqueue_addresses, enqueue_files
from worker.errors import NewsdropError
from worker.settings import MEGABYTE, Settings
from worker.sources.enqueue import EnqueueOptions
from worker.web.forms import get_text, read_form
from worker.web.responses import page, redirect, status_for
from worker.web.uploads import MAX_FILES, is_upload, receive_upload


async def show(request: Request) -> Response:
    return _form(request)


async def enqueue(request: Request) -> Response:
    """Accept the files or the addresses; then the page of their job, which shows the progress."""
    settings: Settings = request.app.state.settings
    addresses = ""
    try:
        if is_upload(request):
            async with receive_upload(request) as upload:
                fields = upload.fields
                options = EnqueueOptions(
                    fields.get("source") or None, force="force" in fields, strict="strict" in fields
                )
                job = await run_in_threadpool(enqueue_files, settings, upload.files, options)
        else:
            form = await read_form(request)
            addresses = get_text(form, "addresses", 200_000)
            options = EnqueueOptions(force=bool(form.get("force")))
            job = await run_in_threadpool(enqueue_addresses, settings, addresses.split(), options)
    except NewsdropError as error:
        return _form(request, str(error), status_for(error), addresses=addresses)
    request.app.state.live.refresh()
    return redirect(f"/jobs/{job}")


def _form(
    request: Request, error: str | None = None, status: int = 200, *, addresses: str = ""
) -> Response:
    """The page. `error` says what failed; `addresses` are those that were sent."""
    settings: Settings = request.app.state.settings
    return page(
        request,
        "enqueue.html",
        status=status,
        error=error,
        addresses=addresses,
        folders=[str(folder.path) for folder in settings.all_folders() if not folder.in_place],
        max_bytes=settings.web.upload_mb * MEGABYTE,
        max_files=MAX_FILES,
        max_addresses=MAX_ADDRESSES,
    )


routes = [Route("/enqueue", show), Route("/enqueue", enqueue, methods=["POST"])]
