"""Loads the settings: the places where they are set, in order, and the errors for wrong ones."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from worker.errors import ConfigError
from worker.escape import printable
from worker.redact import password_in
from worker.settings import paths
from worker.settings.fields import ENV_PREFIX, VERSION
from worker.settings.layers import DEFAULT, Layer, environment_layer, find_places, merge, nested
from worker.settings.mistakes import explain
from worker.settings.whole import Settings
from worker.translation import mark

_PATH_KEYS = (
    "path", "drop", "state_dir", "sites_dir", "file", "ca_file", "token_file", "password_file",
    "broker_password_file", "credentials_file",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each dotted key that is not a default was set, for people."""

    settings: Settings
    places: Mapping[str, str]


@cache
def shipped_config() -> Path:
    """The folder of the shipped configuration: in the wheel, or beside the package."""
    packaged = Path(str(resources.files("worker"))) / "config"
    return packaged if packaged.is_dir() else packaged.parent.parent / "config"


def config_file(path: Path | None = None) -> Path:
    """The config file: `path`, else the one that ``NEWSDROP_CONFIG`` names, else the shipped."""
    from_environment = os.environ.get(f"{ENV_PREFIX}CONFIG")
    if path or not from_environment:
        return path or shipped_config() / "newsdrop.toml"
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
    return load_with_places(config, options, with_run=with_run).settings


def load_with_places(
    config: Path | None = None, options: Mapping[str, Any] | None = None, *, with_run: bool = True
) -> LoadedSettings:
    """As :func:`load`, and where each value was set."""
    lower = _file_layers(config_file(config))
    upper = [
        environment_layer(Settings),
        Layer(nested(options or {}), mark("an option of the command")),
    ]
    loaded = _loaded([*lower, *upper])
    state_dir = loaded.settings.state_dir
    if with_run and (running := _running_config(config, state_dir)):
        lower = _file_layers(running)
    if from_run := _run_values(state_dir) if with_run else {}:
        run = Layer(from_run, printable(paths.run_file(state_dir)))
        loaded = _loaded([*lower, run, *upper])
    return loaded


def _file_layers(path: Path) -> list[Layer]:
    beside = Layer({"feeds": {"file": path.parent / "feeds.toml"}}, DEFAULT)
    return [beside, Layer(_read_config(path), printable(path))]


def _running_config(config: Path | None, state_dir: Path) -> Path | None:
    """The config file of the `up` that runs on the state directory, for a command that names none:
    in a second terminal it used the shipped settings, silently."""
    if config or os.environ.get(f"{ENV_PREFIX}CONFIG"):
        return None
    return paths.read_config_path(state_dir)


def _loaded(layers: Sequence[Layer]) -> LoadedSettings:
    places = find_places(layers)
    try:
        return LoadedSettings(Settings(**merge(layers)), places)
    except ValidationError as error:
        raise explain(error, places) from error


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


def list_secrets(settings: Settings) -> list[str]:
    """The values in the settings that must not be logged. Skips a file that cannot be read: the
    code that needs it reports that."""
    urls = (settings.redis.url, settings.celery.broker_url)
    secrets = [*map(password_in, urls), settings.web.token]
    files = (settings.redis.password_file, settings.celery.broker_password_file)
    for path in (*files, settings.web.token_file):
        if path is not None:
            with suppress(ConfigError):
                secrets.append(first_line(path, ""))
    return [secret for secret in secrets if secret]


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file. Raises FileNotFoundError, and ConfigError where it is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{printable(path)} cannot be read as TOML: {printable(str(error))}"
        ) from error


def _read_config(path: Path) -> dict[str, Any]:
    try:
        table = read_toml(path)
    except FileNotFoundError as error:
        raise ConfigError(
            f"no config file at {printable(path)}: name one with --config or NEWSDROP_CONFIG"
        ) from error
    version = table.get("version")
    if isinstance(version, int) and version > VERSION:  # before its new keys are reported
        raise ConfigError(
            f"{printable(path)} has settings of version {version}, but this newsdrop knows "
            f"version {VERSION}: update newsdrop, or name a config file of this version"
        )
    lists = (table.get(name) for name in ("folders", "buckets"))
    sources = [source for each in lists if isinstance(each, list) for source in each]
    for values in (table, *table.values(), *sources):
        if isinstance(values, dict):
            _resolve_paths(values, path.parent)
    return table


def _resolve_paths(table: dict[str, Any], base: Path) -> None:
    """Make paths absolute: they are relative to the file. An empty path counts as not set."""
    for key in _PATH_KEYS:
        if table.get(key) == "":
            del table[key]
        elif key in table:
            table[key] = _resolve(table[key], base)
    if isinstance(roots := table.get("roots"), list):
        table["roots"] = [_resolve(root, base) for root in roots]


def _resolve(path: Any, base: Path) -> Any:
    return base / path if isinstance(path, str) and not path.startswith("~") else path


def _run_values(state_dir: Path) -> dict[str, Any]:
    run = paths.read_run_file(state_dir)
    values: dict[str, Any] = {key: run[key] for key in ("drop", "redis", "celery") if key in run}
    # The running config file may name another one, which the environment of `up` overruled.
    return {**values, "state_dir": state_dir} if "config" in run else values
