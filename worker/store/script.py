"""A Lua script of ours, called by its hash."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

import redis
from redis.exceptions import NoScriptError

from worker.store.connection import translated


class Script:
    """One of the ``.lua`` files beside this module.

    Scripts run whole or not at all, with nothing between their commands; the server does not
    undo what one wrote before it failed.
    """

    def __init__(self, name: str) -> None:
        self.source = resources.files("worker.store").joinpath(name).read_bytes()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()

    def run(self, client: redis.Redis, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Any:
        """What the script returned, as bytes, ints and lists.

        Sent once; once more, with its source, only where the server says that it does not know
        it and therefore has not run it. Errors as of :func:`~worker.store.connection.translated`.
        """
        send: Any = client.execute_command
        with translated():
            try:
                return send("EVALSHA", self.sha, len(keys), *keys, *args)
            except NoScriptError:
                return send("EVAL", self.source, len(keys), *keys, *args)
