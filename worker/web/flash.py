"""What a page says of the change that led to it: by a name in the address, never by its text."""

from starlette.requests import Request

DONE = {
    "retried": "Accepted again. What becomes of it is shown here.",
    "nothing": "Nothing was there to retry any more: somebody else was faster.",
    "discarded": "Discarded for good.",
    "polled": "It is polled now; what comes is shown within seconds.",
    "held": "It is paused, so it is polled once it is resumed.",
    "reset": "Its failures are forgotten, and it is polled now.",
    "paused": "Paused: nothing more is taken from it.",
    "resumed": "Resumed.",
    "added": "Added. It is polled now.",
    "removed": "Removed: it is polled no more. What it brought stays.",
}


def done(request: Request) -> str | None:
    """The sentence that `?done=` names."""
    return DONE.get(request.query_params.get("done", ""))
