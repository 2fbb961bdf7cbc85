"""`/api/v1/quarantine`: what was refused, why, its bytes; retried or discarded."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from worker.actions.quarantine import discard as discard_ids
from worker.actions.retry import retry as retry_ids
from worker.errors import Reason
from worker.queries import quarantine as view
from worker.web.api.endpoint import changes, reads
from worker.web.api.jobs import accepted_again
from worker.web.api.request import Asked
from worker.web.api.responses import answer
from worker.web.raw import raw_bytes


@reads("count", "after", "reason", "source")
def listed(asked: Asked) -> Response:
    reason = asked.query.get("reason")
    if reason is not None and reason not in set(Reason):
        raise HTTPException(400, f"`reason` is one of {', '.join(Reason)}.")
    found = view.list_quarantine(
        asked.settings,
        asked.count(),
        asked.query.get("after"),
        reason,
        asked.query.get("source"),
    )
    return answer(found)


@reads()
def one(asked: Asked) -> Response:
    return answer(view.preview(asked.settings, asked.path["id"]))


@reads()
def raw(asked: Asked) -> Response:
    return raw_bytes(asked.settings, asked.path["id"])


@changes("ids")
def retry(asked: Asked) -> Response:
    return accepted_again(retry_ids(asked.settings, _ids(asked)))


@changes("ids")
def discard(asked: Asked) -> Response:
    return answer({"discarded": discard_ids(asked.settings, _ids(asked))})


def _ids(asked: Asked) -> list[str]:
    ids = asked.texts("ids")
    if not ids:
        raise HTTPException(422, "`ids` is a list of at least one id of what is in quarantine.")
    return ids


routes = [
    Route("/api/v1/quarantine", listed, methods=["GET"]),
    Route("/api/v1/quarantine/retry", retry, methods=["POST"]),
    Route("/api/v1/quarantine/discard", discard, methods=["POST"]),
    Route("/api/v1/quarantine/{id}", one, methods=["GET"]),
    Route("/api/v1/quarantine/{id}/raw", raw, methods=["GET"]),
]
