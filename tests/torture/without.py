"""A mechanism switched off: the torture must turn red, or it proves nothing.

- `claims`: a batch that is published again is not recognised by its claims
- `sweep`: no tick and no new process wakes anybody up for batches that wait from before
"""

import os
import secrets
from collections.abc import Sequence
from typing import Any

VARIABLE = "TORTURE_WITHOUT"
MECHANISMS = ("claims", "sweep")


def switch_off(mechanism: str) -> None:
    """Switch a mechanism off for the rest of this process."""
    {"claims": _claims, "sweep": _sweep}[mechanism]()


def switch_off_named() -> None:
    if mechanism := os.environ.get(VARIABLE):
        switch_off(mechanism)


def _claims() -> None:
    from worker.store.articles import ArticleStore

    publish = ArticleStore.publish

    def forgetful(self: ArticleStore, batch: str, requests: Sequence[Any]) -> Any:
        return publish(self, f"{batch}-{secrets.token_hex(4)}", requests)

    ArticleStore.publish = forgetful  # type: ignore[method-assign]


def _sweep() -> None:
    from worker.pipeline.context import Context

    Context.has_batches = lambda _self: False  # type: ignore[method-assign]
