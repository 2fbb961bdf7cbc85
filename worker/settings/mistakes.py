"""What is wrong in the settings, in words: the key, what it may be, and where it was set."""

import difflib
import re
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from worker.escape import printable
from worker.settings.layers import known_keys
from worker.settings.whole import Settings

_SECRET_KEYS = ("redis.url", "celery.broker_url", "web.token")  # addresses may hold passwords
_LIST_TYPES = ("tuple_type", "list_type")
_TABLE_TYPES = ("model_type", "model_attributes_type", "dict_type")


def explain(error: ValidationError, places: Mapping[str, str]) -> str:
    """One line for each problem. `places` has where each key was set."""
    lines = [_explain_key(problem, places) for problem in error.errors(include_url=False)]
    return "\n".join(["settings are wrong:", *lines])


def _explain_key(problem: ErrorDetails, places: Mapping[str, str]) -> str:
    key = printable(".".join(str(part) for part in problem["loc"]))
    model_key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    where = _place(model_key, places)
    if problem["type"] == "extra_forbidden":
        hint = _suggest(model_key)
        for number in (part for part in problem["loc"][:-1] if isinstance(part, int)):
            hint = re.sub(r"mean (folders|buckets)\.", rf"mean \1.{number}.", hint)
        return f"unknown setting {key}{hint}{f' (in {where})' if where else ''}"
    text = _brackets(problem, key) or printable(problem["msg"].removeprefix("Value error, "))
    if not key:
        return f"{text} (in {where})" if where else text
    is_secret = model_key in _SECRET_KEYS or isinstance(problem.get("input"), dict | list)
    if is_secret:  # a table may hold one
        return f"{key}: {text} (in {where})" if where else f"{key}: {text}"
    given = f"given: {printable(repr(problem.get('input')), 80)}"
    return f"{key}: {text} ({given}{f', in {where}' if where else ''})"


def _place(key: str, places: Mapping[str, str]) -> str:
    """Where a key, a key of its table, or for the settings as a whole any key was set."""
    names = [key, *(key.rsplit(".", n)[0] for n in range(1, key.count(".") + 1))]
    exact = next((places[name] for name in names if name in places), None)
    if exact:
        return exact
    table = f"{key}." if key else ""
    return ", ".join(dict.fromkeys(p for name, p in places.items() if name.startswith(table)))


def _brackets(problem: ErrorDetails, key: str) -> str | None:
    """The two ways to write a table in TOML, where one was written in place of the other."""
    given = problem.get("input")
    if problem["type"] in _LIST_TYPES and isinstance(given, dict):
        return f"write [[{key}]], two brackets, for each: there may be several"
    if problem["type"] in _TABLE_TYPES and isinstance(given, list):
        return f"write [{key}], one bracket: there is only one"
    return None


def _suggest(unknown: str) -> str:
    known = list(known_keys(Settings))
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
    if not near:  # right key, wrong table
        name = unknown.rsplit(".", 1)[-1]
        near = [key for key in known if key.rsplit(".", 1)[-1] == name][:1]
    return f"; did you mean {near[0]}?" if near else "; see config/newsdrop.toml for every key"
