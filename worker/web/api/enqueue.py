"""`POST /api/v1/enqueue`: files, or addresses, accepted as a job."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.enqueue import enqueue_addresses, enqueue_files
from worker.escape import printable
from worker.settings import Settings
from worker.web.api.endpoint import told
from worker.web.api.request import Asked, body_of, check_sender, query_of
from worker.web.api.responses import answer
from worker.web.uploads import Sent, is_upload, received

_ADDRESSES = frozenset({"addresses", "source", "force"})
_FIELDS = ("source", "force")


@told
async def enqueue(request: Request) -> Response:
    """202 with the job's id: what was sent is in the spool, durably."""
    check_sender(request)
    query_of(request, frozenset())
    settings: Settings = request.app.state.settings
    if is_upload(request):
        async with received(request, sender_known=True) as sent:
            source, force = _wishes(sent)
            job = await run_in_threadpool(
                enqueue_files, settings, sent.files, source=source, force=force
            )
            return _accepted(job, files=len(sent.files))
    asked = Asked(settings, {}, {}, await body_of(request, _ADDRESSES))
    urls = list(dict.fromkeys(asked.texts("addresses")))
    job = await run_in_threadpool(
        enqueue_addresses, settings, urls, source=asked.text("source"), force=asked.flag("force")
    )
    return _accepted(job, files=len(urls))


def _accepted(job: str, *, files: int) -> Response:
    return answer({"job": job, "files": files}, 202, location=f"/api/v1/jobs/{job}")


def _wishes(sent: Sent) -> tuple[str | None, bool]:
    """The fields beside the files: source and force. Raises HTTPException (422)."""
    for name in sent.fields:
        if name not in _FIELDS:
            raise HTTPException(
                422, f"The field {printable(name, 60)} is not known here; known: force, source."
            )
    force = sent.fields.get("force", "").strip() or "false"
    if force not in ("true", "false"):
        raise HTTPException(422, "`force` is true or false.")
    return sent.fields.get("source", "").strip() or None, force == "true"


routes = [Route("/api/v1/enqueue", enqueue, methods=["POST"])]
