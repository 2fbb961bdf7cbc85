"""What a request asks for: parameters and bodies, checked before anything is done.

What is not known is refused: a misspelt `cuont` must not look as if it had been understood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from worker.escape import printable
from worker.settings import Settings
from worker.web.forms import number
from worker.web.security import Guard, bearer

MOST = 200
"""Of what is listed, on one page."""
USUAL = 50
MOST_IDS = 1_000
_LONGEST = 2_000
_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what its path, its query and its JSON body say."""

    settings: Settings
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    def count(self) -> int:
        """How many are listed: 1 to 200, 50 where nothing is said."""
        return self.number("count", USUAL, least=1, most=MOST)

    def number(self, name: str, usual: int, *, least: int, most: int) -> int:
        said = self.query.get(name)
        if said is None:
            return usual
        found = number(said, 9)
        if found is None or not least <= found <= most:
            raise HTTPException(400, f"`{name}` is a whole number from {least} to {most:,}.")
        return found

    def text(self, name: str) -> str | None:
        """A text of the body; None where it is not there. Raises HTTPException (422)."""
        found: str | None = self._typed(name, str, "a text")
        return found

    def flag(self, name: str, *, usual: bool = False) -> bool:
        found = self._typed(name, bool, "true or false")
        return usual if found is None else bool(found)

    def texts(self, name: str, most: int = MOST_IDS) -> list[str]:
        """A list of texts; empty where it is not there. Raises HTTPException (422)."""
        found = self._typed(name, list, "a list of texts") or []
        if not all(isinstance(one, str) for one in found):
            raise HTTPException(422, f"`{name}` is a list of texts.")
        if len(found) > most:
            raise HTTPException(422, f"`{name}` has {len(found):,}: {most:,} at once may be.")
        return list(found)

    def _typed(self, name: str, kind: type, said: str) -> Any:
        found = self.body.get(name)
        if found is not None and not isinstance(found, kind):
            raise HTTPException(422, f"`{name}` is {said}.")
        return found


def query_of(request: Request, names: frozenset[str]) -> dict[str, str]:
    """The query's parameters, each once. Raises HTTPException (400)."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise HTTPException(
                400, f"The parameter {printable(name, 60)} is not known here; known: {known}."
            )
        if name in found:
            raise HTTPException(400, f"`{name}` is given twice: give it once.")
        if len(value) > _LONGEST:
            raise HTTPException(400, f"`{name}` is longer than {_LONGEST:,} characters.")
        found[name] = value
    return found


async def body_of(request: Request, names: frozenset[str]) -> dict[str, Any]:
    """The JSON object that was sent; empty where nothing was.

    Raises HTTPException: 415 for another kind of body, 400 for what is no JSON, 422 for what is no
    object or has a key that is not in `names`, 413 for too much.
    """
    data = await _bytes(request)
    if not data:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        raise HTTPException(415, "The body is JSON: send it with Content-Type: application/json.")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"The body is no JSON: {printable(str(error), 200)}.") from error
    if not isinstance(found, dict):
        raise HTTPException(422, 'The body is a JSON object: {"name": value, …}.')
    for name in found:
        if name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise HTTPException(
                422, f"The key {printable(name, 60)} is not known here; known: {known}."
            )
    return found


def check_sender(request: Request) -> None:
    """A change is asked for by a program, or by a page of ours: with the token as a Bearer, or
    with the header `X-Newsdrop: 1`. A page of another site can send neither: its browser asks us
    first (CORS), and we never answer that. Raises HTTPException (403)."""
    guard: Guard = request.app.state.guard
    if guard.is_token(bearer(request) or "") or request.headers.get("x-newsdrop") == "1":
        return
    raise HTTPException(
        403, "What changes something is asked with the header `X-Newsdrop: 1`, or with the token."
    )


async def _bytes(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _BODY_BYTES:
            raise HTTPException(413, f"The body may have {_BODY_BYTES // 1024} KB: send less.")
        parts.append(chunk)
    return b"".join(parts)
