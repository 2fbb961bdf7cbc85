"""Mistakes in the settings, in words: the key, what it may be, and where it was set."""

import difflib
import re
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from worker.errors import ConfigError, WrongValue
from worker.escape import printable
from worker.settings.layers import known_keys
from worker.settings.whole import Settings

_SECRET_KEYS = ("redis.url", "celery.broker_url", "web.token")  # addresses may hold passwords
_SAME = {
    "missing_argument": "missing",
    **dict.fromkeys(("int_from_float", "int_parsing_size"), "int"),
    **dict.fromkeys(("model", "model_attributes", "dataclass"), "dict"),
    "finite_number": "float",
    "path": "string",
    "tuple": "list",
    "literal_error": "enum",
}
"""Types of errors that need the same text as another one."""


def explain(error: ValidationError, places: Mapping[str, str]) -> ConfigError:
    """One line for each problem. `places` has where each key was set."""
    problems = error.errors(include_url=False)
    lines = [_explain_key(problem, places) for problem in problems]
    return ConfigError("\n".join(["settings are wrong:", *lines]))


def explain_value(problem: ErrorDetails) -> str:
    """The right form of a wrong value, without its key.

    The types of errors are pydantic's that this project's models can have. Its texts are replaced:
    they speak of inputs and of parsing, and have no translation.
    """
    kind = _kind(problem)
    bound = str(next(iter(problem.get("ctx", {}).values()), "")).removesuffix(".0")
    choices = bound.replace(" or ", ", ")
    texts = {
        "missing": "this key is missing: add it",
        "int": "write a whole number",
        "float": "write a number",
        "string": "write a text, in quotes",
        "bool": "write true or false",
        "list": "write a list, in brackets: [a, b]",
        "dict": "write a table of keys and values",
        "enum": f"choose one of: {choices}",
        "greater_than": f"write a number above {bound}",
        "greater_than_equal": f"write a number from {bound} up",
        "less_than_equal": f"write a number up to {bound}",
        "string_too_short": "write something: it may not be empty",
        "string_too_long": f"write at most {bound} characters",
        "string_pattern_mismatch": f"write it as the pattern {bound} describes",
        "value_error": printable(problem["msg"].removeprefix("Value error, ")),
    }
    return str(WrongValue(texts[kind if kind in texts else "value_error"]))


def _kind(problem: ErrorDetails) -> str:
    kind = problem["type"].removesuffix("_type").removesuffix("_parsing")
    return _SAME.get(kind, kind)


def _explain_key(problem: ErrorDetails, places: Mapping[str, str]) -> str:
    key = printable(".".join(str(part) for part in problem["loc"]))
    model_key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    where = _place(model_key, places)
    if problem["type"] == "extra_forbidden":
        near = _nearest(model_key)
        for number in (part for part in problem["loc"][:-1] if isinstance(part, int)):
            near = re.sub(r"^(folders|buckets)\.", rf"\1.{number}.", near)
        if near:
            return f"unknown setting {key}; did you mean {near}? (in {where})"
        return f"unknown setting {key}; see config/newsdrop.toml for every key (in {where})"
    text = _brackets(problem, key) or explain_value(problem)
    if not key:
        return f"{where}: {text}"
    is_secret = model_key in _SECRET_KEYS or isinstance(problem.get("input"), dict | list)
    if is_secret:  # a table may hold one
        return f"{key}: {text} (in {where})"
    return f"{key}: {text} (not {printable(repr(problem.get('input')), 80)}, in {where})"


def _place(key: str, places: Mapping[str, str]) -> str:
    """Where a key, a key of its table, or for the settings as a whole any key was set."""
    names = [key, *(key.rsplit(".", n)[0] for n in range(1, key.count(".") + 1))]
    exact = next((places[name] for name in names if name in places), None)
    if exact:
        return exact
    table = f"{key}." if key else ""
    matches = dict.fromkeys(place for name, place in places.items() if name.startswith(table))
    return ", ".join(matches) or "the defaults"


def _brackets(problem: ErrorDetails, key: str) -> str | None:
    """The two ways to write a table in TOML, where one was written in place of the other."""
    value, kind = problem.get("input"), _kind(problem)
    if kind == "list" and isinstance(value, dict):
        return f"write [[{key}]], two brackets, for each: there may be several"
    if kind == "dict" and isinstance(value, list):
        return f"write [{key}], one bracket: there is only one"
    return None


def _nearest(unknown: str) -> str:
    """The known key that is most like it, or has its name in another table; empty for none."""
    keys = list(known_keys(Settings))
    near = difflib.get_close_matches(unknown, keys, n=1, cutoff=0.5)
    if not near:  # right key, wrong table
        name = unknown.rsplit(".", 1)[-1]
        near = [key for key in keys if key.rsplit(".", 1)[-1] == name][:1]
    return near[0] if near else ""
