"""Layers of settings: values from one place each, which know for every key where it was set."""

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel

from worker.errors import ConfigError
from worker.escape import printable
from worker.settings.fields import ENV_PREFIX, SettingsTable

DEFAULT = "default"
"""The place of values that nobody set, but that depend on where the config file is."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values as nested tables, and where they were set: `place` says it for all keys, `places` for
    single dotted keys. Both are for people, escaped."""

    values: Mapping[str, Any]
    place: str
    places: Mapping[str, str] = field(default_factory=dict)

    def place_of(self, key: str) -> str:
        """Where the dotted `key` was set, by its own entry or that of its table."""
        keys = (name for name in (key, key.rpartition(".")[0]) if name in self.places)
        return self.places.get(next(keys, ""), self.place)


def merge(layers: Sequence[Layer]) -> dict[str, Any]:
    """The values of all layers; a later one wins, key by key."""
    values: dict[str, Any] = {}
    for layer in layers:
        update(values, layer.values)
    return values


def find_places(layers: Sequence[Layer]) -> dict[str, str]:
    """Dotted key -> where its value was set, for every key that is not a default. Lists are one
    value."""
    set_layers = (layer for layer in layers if layer.place != DEFAULT)
    return {key: layer.place_of(key) for layer in set_layers for key in _dotted(layer.values)}


def update(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Lay `layer` over `values`, key by key in their tables."""
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(below := values.get(key), dict):
            values[key] = dict(below)
            update(values[key], value)
        else:
            values[key] = value


def nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Tables from dotted keys."""
    tables: dict[str, Any] = {}
    for dotted, value in options.items():
        *names, key = dotted.split(".")
        table = tables
        for name in names:
            table = table.setdefault(name, {})
        table[key] = value
    return tables


def environment_layer(model: type[BaseModel]) -> Layer:
    """The values of ``NEWSDROP_*`` variables; an empty one counts as not set.

    Raises ConfigError for one that is not a setting: it is misspelt.
    """
    keys = {ENV_PREFIX + key.replace(".", "_").upper(): key for key in known_keys(model)}
    _refuse_unknown(
        [name for name, key in keys.items() if not key.startswith(("folders.", "buckets."))]
    )
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, key in sorted(keys.items(), key=lambda item: item[1].count(".")):
        if text := os.environ.get(name):
            is_table = any(other.startswith(f"{key}.") for other in keys.values())
            value = nested({key: _read_table(text, name, key) if is_table else text})
            update(values, value)
            places |= dict.fromkeys([key, *_dotted(value)], name)
    return Layer(values, "the environment", places)


def known_keys(model: type[BaseModel], prefix: str = "") -> Iterable[str]:
    """Every dotted key of `model`."""
    for name, info in model.model_fields.items():
        part = info.annotation
        if get_args(part):
            part = get_args(part)[0]
        yield prefix + name
        if isinstance(part, type) and issubclass(part, SettingsTable):
            yield from known_keys(part, f"{prefix}{name}.")


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value and not prefix:
            yield from _dotted(value, f"{key}.")
        else:
            yield prefix + key


def _read_table(text: str, variable: str, key: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"{key}: {variable} is a whole table: give it as JSON, or set one variable for each key"
        ) from error


def _refuse_unknown(names: list[str]) -> None:
    all_names = {*names, f"{ENV_PREFIX}CONFIG"}
    unknown = [name for name in os.environ if name.startswith(ENV_PREFIX) and name not in all_names]
    if unknown:
        name = min(unknown)
        near = difflib.get_close_matches(name, all_names, n=1, cutoff=0.5)
        if near:
            raise ConfigError(
                f"unknown environment variable {printable(name)}; did you mean {near[0]}?"
            )
        raise ConfigError(f"unknown environment variable {printable(name)}: unset it")
