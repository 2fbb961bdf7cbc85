"""Where settings come from and in which order, and the errors for those that are wrong."""

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from worker.errors import ConfigError
from worker.escape import printable
from worker.redact import password_in
from worker.settings import paths
from worker.settings.fields import ENV_PREFIX, VERSION, SettingsTable
from worker.settings.whole import Settings

_PATH_KEYS = (
    "path", "drop", "state_dir", "sites_dir", "file", "ca_file", "token_file", "password_file",
)  # fmt: skip
_SECRET_KEYS = ("redis.url", "web.token")  # the first may contain a password


def shipped_config() -> Path:
    """The folder of the shipped configuration: in the wheel, or beside the package."""
    packaged = Path(str(resources.files("worker"))) / "config"
    return packaged if packaged.is_dir() else packaged.parent.parent / "config"


def config_file(given: Path | None = None) -> Path:
    """The config file: `given`, else the one that ``NEWSDROP_CONFIG`` names, else the shipped."""
    from_environment = os.environ.get(f"{ENV_PREFIX}CONFIG")
    if given or not from_environment:
        return given or shipped_config() / "newsdrop.toml"
    return Path(from_environment).expanduser()


def load(
    config: Path | None = None, options: Mapping[str, Any] | None = None, *, with_run: bool = True
) -> Settings:
    """The settings of this process.

    `config` is read as :func:`config_file` says; `options` are dotted keys of the command line
    (`{"redis.url": "…"}`). `with_run` is False for a new `up`, which must ignore the run file that
    a killed `up` left behind.

    Raises ConfigError with one line for each key that is wrong.
    """
    path = config_file(config)
    from_file, later = _read_toml(path), (_environment_values(), _nested(options or {}))
    try:
        settings = _layered(from_file, *later)
        if from_run := _run_values(settings.state_dir) if with_run else {}:
            settings = _layered(from_file, from_run, *later)
        return settings
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error


def first_line(path: Path, key: str) -> str:
    """A secret from the file that the setting `key` names. Raises ConfigError."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"{key}: cannot read {printable(path)}: {why}; check path and permissions"
        ) from error
    if not line:
        raise ConfigError(f"{key}: the first line of {printable(path)} is empty: put the value in")
    return line


def secrets_of(settings: Settings) -> list[str]:
    """The values in the settings that must not be logged. Skips a file that cannot be read: the
    code that needs it reports that."""
    secrets = [password_in(settings.redis.url), settings.web.token]
    for path in (settings.redis.password_file, settings.web.token_file):
        if path is not None:
            with suppress(ConfigError):
                secrets.append(first_line(path, ""))
    return [secret for secret in secrets if secret]


def _layered(*layers: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {}
    for layer in layers:
        _update(values, layer)
    return Settings(**values)


def _update(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Lay `layer` over `values`, key by key in their tables."""
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(below := values.get(key), dict):
            values[key] = dict(below)
            _update(values[key], value)
        else:
            values[key] = value


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for dotted, value in options.items():
        *tables, key = dotted.split(".")
        table = nested
        for name in tables:
            table = table.setdefault(name, {})
        table[key] = value
    return nested


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"no config file at {printable(path)}: name one with --config or NEWSDROP_CONFIG"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{printable(path)} cannot be read as TOML: {printable(str(error))}"
        ) from error
    version = table.get("version")
    if isinstance(version, int) and version > VERSION:  # before its new keys are reported
        raise ConfigError(
            f"{printable(path)} has settings of version {version}, but this newsdrop knows "
            f"version {VERSION}: update newsdrop, or name a config file of this version"
        )
    tables = (table.get(name) for name in ("redis", "fetch", "feeds", "web"))
    for values in (table, *tables, *table.get("folders", [])):
        if isinstance(values, dict):
            _resolve_paths(values, path.parent)
    feeds = table.setdefault("feeds", {})
    if isinstance(feeds, dict):  # else the model reports it
        feeds.setdefault("file", path.parent / "feeds.toml")
    return table


def _resolve_paths(table: dict[str, Any], base: Path) -> None:
    """Make paths absolute: they are relative to the file. An empty path counts as not set."""
    for key in _PATH_KEYS:
        if table.get(key) == "":
            del table[key]
        elif isinstance(table.get(key), str):
            table[key] = base / Path(table[key]).expanduser()


def _run_values(state_dir: Path) -> dict[str, Any]:
    run = paths.read_run_file(state_dir)
    return {key: run[key] for key in ("drop", "redis") if key in run}


def _known_keys(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    for name, info in model.model_fields.items():
        part = info.annotation
        if get_args(part):
            part = get_args(part)[0]
        yield prefix + name
        if isinstance(part, type) and issubclass(part, SettingsTable):
            yield from _known_keys(part, f"{prefix}{name}.")


def _environment_values() -> dict[str, Any]:
    """The values of ``NEWSDROP_*`` variables; an empty one counts as not set.

    Raises ConfigError for one that is no setting: it is misspelt.
    """
    keys = {ENV_PREFIX + key.replace(".", "_").upper(): key for key in _known_keys(Settings)}
    _refuse_unknown([name for name, key in keys.items() if not key.startswith("folders.")])
    values: dict[str, Any] = {}
    for name, key in sorted(keys.items(), key=lambda item: item[1].count(".")):
        if text := os.environ.get(name):
            is_table = any(other.startswith(f"{key}.") for other in keys.values())
            _update(values, _nested({key: _read_table(text, name, key) if is_table else text}))
    return values


def _read_table(text: str, variable: str, key: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"{key}: {variable} is a whole table: give it as JSON, or set one variable for each key"
        ) from error


def _refuse_unknown(names: list[str]) -> None:
    known = {*names, f"{ENV_PREFIX}CONFIG"}
    unknown = [name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known]
    if unknown:
        name = min(unknown)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ": unset it"
        raise ConfigError(f"unknown environment variable {printable(name)}{hint}")


def _explain(error: ValidationError, path: Path) -> str:
    lines = [_explain_key(problem) for problem in error.errors(include_url=False)]
    return "\n".join([f"settings are wrong (config file: {printable(path)}):", *lines])


def _explain_key(problem: ErrorDetails) -> str:
    key = printable(".".join(str(part) for part in problem["loc"]))
    model_key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    if problem["type"] == "extra_forbidden":
        hint = _suggest(model_key)
        for number in (part for part in problem["loc"][:-1] if isinstance(part, int)):
            hint = hint.replace("mean folders.", f"mean folders.{number}.")
        return f"unknown setting {key}{hint}"
    text = printable(problem["msg"].removeprefix("Value error, "))
    if not key:
        return text
    if model_key in _SECRET_KEYS:
        return f"{key}: {text}"
    return f"{key}: {text} (given: {printable(repr(problem.get('input')), 80)})"


def _suggest(unknown: str) -> str:
    known = list(_known_keys(Settings))
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
    if not near:  # right key, wrong table
        name = unknown.rsplit(".", 1)[-1]
        near = [key for key in known if key.rsplit(".", 1)[-1] == name][:1]
    return f"; did you mean {near[0]}?" if near else "; see config/newsdrop.toml for every key"
