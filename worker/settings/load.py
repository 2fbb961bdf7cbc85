"""Where the settings come from, in order, and what is said of those that are wrong."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from worker.errors import ConfigError
from worker.escape import printable
from worker.redact import password_in
from worker.settings import paths
from worker.settings.fields import ENV_PREFIX, VERSION, SettingsTable
from worker.settings.whole import Settings


def shipped_config() -> Path:
    """The folder of the shipped configuration: in the wheel, or beside the package."""
    packaged = Path(str(resources.files("worker"))) / "config"
    return packaged if packaged.is_dir() else packaged.parent.parent / "config"


def config_file(given: Path | None = None) -> Path:
    """The file that is read: `given`, else what ``NEWSDROP_CONFIG`` names, else the shipped one."""
    named = os.environ.get(f"{ENV_PREFIX}CONFIG")
    return given or (Path(named).expanduser() if named else shipped_config() / "newsdrop.toml")


def load(
    config: Path | None = None, options: Mapping[str, Any] | None = None, *, noted: bool = True
) -> Settings:
    """The settings of this process.

    `config` is read as :func:`config_file` says; `options` are dotted keys of the command line
    (`{"redis.url": "…"}`). `noted` is False for a new `up`: what a killed one before it was told
    is for the other commands only.

    Raises ConfigError with one line for each key that is wrong.
    """
    path = config_file(config)
    from_file = _read_toml(path)
    _check_environment()
    try:
        settings = _layered(options or {}, {}, from_file)
        if told := _noted(settings.state_dir) if noted else {}:
            settings = _layered(options or {}, told, from_file)
        return settings
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error
    except SettingsError as error:  # a whole table in one variable, and that is no JSON
        raise ConfigError(
            f"{printable(str(error))}: give it as JSON, or each key a variable of its own"
        ) from error


def first_line(path: Path, key: str) -> str:
    """A secret out of the file that the setting `key` names. Raises ConfigError."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"{key}: {printable(path)} cannot be read: {why}; check path and rights"
        ) from error
    if not line:
        raise ConfigError(f"{key}: the first line of {printable(path)} is empty: write it there")
    return line


def secrets_of(settings: Settings) -> list[str]:
    """What the settings say that nobody shall read in a log. A file that cannot be read is left
    out: whoever needs it says so."""
    found = [password_in(settings.redis.url), settings.web.token]
    for path in (settings.redis.password_file, settings.web.token_file):
        if path is not None:
            with suppress(ConfigError):
                found.append(first_line(path, ""))
    return [secret for secret in found if secret]


def _layered(
    options: Mapping[str, Any], noted: Mapping[str, Any], file: Mapping[str, Any]
) -> Settings:
    class Layered(Settings):
        @classmethod
        def settings_customise_sources(  # type: ignore[override]
            cls,
            settings_cls: type[BaseSettings],
            env_settings: PydanticBaseSettingsSource,
            **_: Any,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            plain = partial(InitSettingsSource, settings_cls)
            return (plain(_nested(options)), env_settings, plain(dict(noted)), plain(dict(file)))

    return Layered()


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
    _check_version(table, path)
    tables = (table.get(name) for name in ("redis", "fetch", "feeds", "web"))
    for holder in (table, *tables, *table.get("folders", [])):
        if isinstance(holder, dict):
            _resolve_paths(holder, path.parent)
    feeds = table.setdefault("feeds", {})
    if isinstance(feeds, dict):  # else the model says what is wrong
        feeds.setdefault("file", path.parent / "feeds.toml")
    return table


def _check_version(table: Mapping[str, Any], path: Path) -> None:
    """Refuse a file for a newer newsdrop as such, before its keys are called unknown."""
    version = table.get("version")
    if isinstance(version, int) and version > VERSION:
        raise ConfigError(
            f"{printable(path)} has settings of version {version}, and this newsdrop knows "
            f"version {VERSION}: update newsdrop, or name the config file of this one"
        )


_PATHS = (
    "path",
    "drop",
    "state_dir",
    "sites_dir",
    "file",
    "ca_file",
    "token_file",
    "password_file",
)


def _resolve_paths(holder: dict[str, Any], base: Path) -> None:
    """Paths are relative to the file they stand in; an empty one is as good as none."""
    for key in _PATHS:
        if holder.get(key) == "":
            del holder[key]
        elif isinstance(holder.get(key), str):
            holder[key] = base / Path(holder[key]).expanduser()


def _noted(state_dir: Path) -> dict[str, Any]:
    told = paths.read_run_file(state_dir)
    return {key: told[key] for key in ("drop", "redis") if key in told}


def _known_keys(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    for name, info in model.model_fields.items():
        part = info.annotation
        if get_args(part):
            part = get_args(part)[0]
        yield prefix + name
        if isinstance(part, type) and issubclass(part, SettingsTable):
            yield from _known_keys(part, f"{prefix}{name}.")


def _suggest(unknown: str) -> str:
    known = list(_known_keys(Settings))
    near = difflib.get_close_matches(unknown, known, n=1, cutoff=0.5)
    if not near:  # right key, wrong table
        last = unknown.rsplit(".", 1)[-1]
        near = [key for key in known if key.rsplit(".", 1)[-1] == last][:1]
    return f"; did you mean {near[0]}?" if near else "; see config/newsdrop.toml for every key"


def _check_environment() -> None:
    """Refuse ``NEWSDROP_*`` variables that nothing reads: a typo must not be silent."""
    tables = set(Settings.model_fields)
    names = {f"{ENV_PREFIX}CONFIG"}
    for key in _known_keys(Settings):
        head, _, rest = key.partition(".")
        if "." not in rest and head in tables and key != f"folders.{rest}":
            names.add(ENV_PREFIX + key.replace(".", "_").upper())
    unknown = [name for name in os.environ if name.startswith(ENV_PREFIX) and name not in names]
    if unknown:
        name = min(unknown)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ": unset it"
        raise ConfigError(f"unknown environment variable {printable(name)}{hint}")


def _explain(error: ValidationError, path: Path) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"])
        plain = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        if problem["type"] == "extra_forbidden":
            hint = _suggest(plain)
            for table in problem["loc"][:-1]:  # `folders.1.path`, and not of all folders
                if isinstance(table, int):
                    hint = hint.replace("mean folders.", f"mean folders.{table}.")
            lines.append(f"unknown setting {printable(where)}{hint}")
        else:
            secret = plain in ("redis.url", "web.token")  # a password is, or may be in it
            given = "" if secret else printable(repr(problem.get("input")), 80)
            said = printable(problem["msg"].removeprefix("Value error, "))
            about = f"{printable(where)}: " if where else ""
            lines.append(f"{about}{said}" + (f" (given: {given})" if where and given else ""))
    return "\n".join([f"the settings are not right (config file: {printable(path)}):", *lines])
