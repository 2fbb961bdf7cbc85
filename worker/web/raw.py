"""Refused bytes, to be saved and never to be shown: no browser takes them for a page of ours."""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import IO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from worker.settings import Settings
from worker.spool.quarantine import Quarantine

_PIECE = 256 * 1024


def raw_bytes(settings: Settings, refused_id: str) -> Response:
    """The bytes as they came, to be saved under a name of ours, or as their sender called them.

    Raises NotThere, SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    path = quarantine.get(refused_id).path
    name = path.replace("\\", "/").rsplit("/", 1)[-1] or "raw"
    file = quarantine.open_raw(refused_id)
    named = f"filename=\"{refused_id}.raw\"; filename*=UTF-8''{quote(name, safe='')}"
    return StreamingResponse(
        _pieces(file),
        media_type="application/octet-stream",
        headers={
            "content-length": str(os.fstat(file.fileno()).st_size),
            "content-disposition": f"attachment; {named}",
            "content-security-policy": "sandbox; default-src 'none'",
        },
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        while piece := file.read(_PIECE):
            yield piece
