"""`/api/v1/quarantine`: what was refused, why, its bytes; retried or discarded."""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import IO

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from worker.actions.quarantine import discard as discard_ids
from worker.actions.retrying import retry as retry_ids
from worker.errors import Reason
from worker.settings import Settings
from worker.spool.quarantine import Quarantine
from worker.view import quarantine as view
from worker.web.api.answers import answer
from worker.web.api.asked import Asked
from worker.web.api.endpoint import changes, reads
from worker.web.api.jobs import accepted_again

_PIECE = 256 * 1024


@reads("count", "after", "reason", "source")
def listed(asked: Asked) -> Response:
    reason = asked.query.get("reason")
    if reason is not None and reason not in set(Reason):
        raise HTTPException(400, f"`reason` is one of {', '.join(Reason)}.")
    found = view.quarantined(
        asked.settings,
        asked.count(),
        asked.query.get("after"),
        reason,
        asked.query.get("source"),
    )
    return answer(found)


@reads()
def one(asked: Asked) -> Response:
    return answer(view.look(asked.settings, asked.path["id"]))


@reads()
def raw(asked: Asked) -> Response:
    return raw_bytes(asked.settings, asked.path["id"])


@changes("ids")
def retry(asked: Asked) -> Response:
    return accepted_again(retry_ids(asked.settings, _ids(asked)))


@changes("ids")
def discard(asked: Asked) -> Response:
    return answer({"discarded": discard_ids(asked.settings, _ids(asked))})


def raw_bytes(settings: Settings, refused_id: str) -> Response:
    """The refused bytes, to be saved and never to be shown: whatever they are, no browser takes
    them for a page of ours. Raises NotThere, SpoolUnavailable."""
    file = Quarantine(settings.state_dir).open_raw(refused_id)
    return StreamingResponse(
        _pieces(file),
        media_type="application/octet-stream",
        headers={
            "content-length": str(os.fstat(file.fileno()).st_size),
            "content-disposition": f'attachment; filename="{refused_id}.raw"',
            "content-security-policy": "sandbox; default-src 'none'",
            "x-content-type-options": "nosniff",
        },
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        while piece := file.read(_PIECE):
            yield piece


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
