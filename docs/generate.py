"""Writes what documents say of the record, the settings and the commands from these (`make docs`).

A test tells when they are old.
"""

import ast
import enum
import inspect
import json
import re
import textwrap
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer.main
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from worker.cli.options import EXIT_TABLE
from worker.cli.root import app
from worker.model import record
from worker.model.warning import WARNING_KINDS
from worker.settings import Bucket, Folder, Settings
from worker.settings import types as kinds
from worker.settings.fields import ENV_PREFIX, SettingsTable

DOCS = Path(__file__).parent
PARTS = (
    record.Article,
    record.Person,
    record.Publisher,
    record.Image,
    record.Link,
    record.Attachment,
    record.Ticker,
    record.Dedupe,
    record.Provenance,
    record.Change,
    record.Revision,
    record.Withdrawal,
)
EVERYWHERE = {"--help", "-h", "--json"}
"""Options that each command has, and that are told once."""

_TABLES = re.compile(r"(?<=<!-- from the model -->\n).*?(?=(?:# )?<!-- to here -->)", re.DOTALL)


def page(name: str, text: str) -> str:
    """`text`, the whole document `name`, with what is made of the program written anew."""
    return _TABLES.sub(lambda _: "\n" + "\n".join(PAGES[name]()) + "\n", text, count=1)


# ── the record ────────────────────────────────────────────────────────────────────────────────


def _record() -> Iterator[str]:
    for part in PARTS:
        about = (part.__doc__ or "").partition("\n\n")[0].replace("\n    ", " ")
        hints = get_type_hints(part, include_extras=True)
        yield from (f"### {part.__name__}", "", about, "")
        yield from ("| field | type | what it is |", "|---|---|---|")
        for field in fields(part):
            hint = hints[field.name]
            yield f"| `{field.name}` | {_type(hint)} | {_told(hint)} |"
        yield ""
    about = "Problems of an article that was published all the same: `<kind>: <what happened>`."
    yield from ("### Warnings", "", about, "", "| kind | what it means |", "|---|---|")
    yield from (f"| `{kind}` | {meaning} |" for kind, meaning in WARNING_KINDS.items())
    yield ""


def _told(hint: Any) -> str:
    said = (getattr(item, "description", None) for item in getattr(hint, "__metadata__", ()))
    return next(filter(None, said))


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(map(_type, inner))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        inner, origin = tuple(member.value for member in hint), Literal
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    return {str: "string", Path: "path", int: "integer", dict: "object", type(None): "null"}[
        origin or hint
    ]


# ── the record's classes for consumers ───────────────────────────────────────────────────────


def _classes() -> Iterator[str]:
    """newsdrop/consumer.py has the record as dataclasses whose fields all have defaults, so that
    it reads the records of older versions."""
    yield ""
    for part in (*PARTS[1:], record.Article):
        yield from ("@dataclass(frozen=True, slots=True)", f"class {part.__name__}:")
        about = (part.__doc__ or "").partition("\n\n")[0].split()
        yield from textwrap.wrap(
            f'"""{" ".join(about)}"""', 99, initial_indent="    ", subsequent_indent="    "
        )
        yield ""
        hints = get_type_hints(part)
        yield from (f"    {name}: {_annotation(hint)}" for name, hint in hints.items())
        yield from ("", "")


def _annotation(hint: Any) -> str:
    """The type as consumers see it, with its default; what has a list of values is a `str`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal or (isinstance(hint, type) and issubclass(hint, enum.Enum)):
        return 'str = ""'
    if origin in (Union, types.UnionType):
        return f"{_annotation(inner[0]).partition(' = ')[0]} | None = None"
    if origin is tuple:
        return f"tuple[{_annotation(inner[0]).partition(' = ')[0]}, ...] = ()"
    if origin is dict:
        kinds = ", ".join(getattr(one, "__name__", str(one)) for one in inner)
        return f"dict[{kinds}] = field(default_factory=dict)"
    if is_dataclass(hint):
        return f"{hint.__name__} = {hint.__name__}()"
    return "int = 0" if hint is int else 'str = ""'


# ── the settings ──────────────────────────────────────────────────────────────────────────────

_KINDS = (
    (kinds.TimeZoneName, "time zone"),
    (kinds.Cron, "five fields of cron"),
    (kinds.RedisUrl, "URL"),
    (kinds.SourceName, "name"),
    (kinds.ExpandedPath, "path"),
    (kinds.BucketUrl, "URL"),
    (kinds.EndpointUrl, "URL"),
    (kinds.Networks, "list of networks"),
    (kinds.Ports, "list of ports"),
    (kinds.Names, "list of names"),
    (kinds.Levels, "table"),
    (kinds.Level, ", ".join(f"`{level}`" for level in get_args(kinds.Level))),
)
"""What a key's type is called; a new type of `worker/settings/types.py` is named here."""

_PLAIN = {str: "string", int: "integer", float: "number", bool: "`true`, `false`"}


def _settings() -> Iterator[str]:
    single = {
        key: field
        for key, field in Settings.model_fields.items()
        if not _is_table(field) and key not in ("folders", "buckets")
    }
    yield from _table("At the top", "", get_type_hints(Settings, include_extras=True), single)
    for name, field in Settings.model_fields.items():
        if _is_table(field):
            part: Any = field.annotation
            hints = get_type_hints(part, include_extras=True)
            yield from _table(f"`[{name}]`", f"{name}.", hints, part.model_fields)
    for name, source in (("folders", Folder), ("buckets", Bucket)):
        hints = get_type_hints(source, include_extras=True)
        # Where it is comes first, then how it is read.
        keys = sorted(source.model_fields, key=lambda key: key not in ("name", "path", "url"))
        fields = {key: source.model_fields[key] for key in keys}
        yield from _table(f"`[[{name}]]`", None, hints, fields)


def _is_table(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, SettingsTable)


def _table(
    title: str, prefix: str | None, hints: Mapping[str, Any], keys: Mapping[str, FieldInfo]
) -> Iterator[str]:
    """One table of keys; with `prefix` None they have no variables."""
    variables = prefix is not None
    yield from (f"### {title}", "")
    yield "| key | what it is | default | may be |" + (" variable |" if variables else "")
    yield "|---|---|---|---|" + ("---|" if variables else "")
    for key, field in keys.items():
        assert field.description, f"{key} has no description"
        cells = [
            f"`{key}`",
            field.description.replace("<", "\\<"),
            _default(key, field),
            _may_be(hints[key], field),
        ]
        if variables:
            cells.append(f"`{ENV_PREFIX}{f'{prefix}{key}'.replace('.', '_').upper()}`")
        yield f"| {' | '.join(cells)} |"
    yield ""


def _default(key: str, field: FieldInfo) -> str:
    if key == "state_dir":  # depends on the home directory
        return "`~/.local/state/newsdrop`"
    if field.is_required():
        return "must be given"
    value = field.default
    assert value is not PydanticUndefined
    if value in (None, "", (), {}):
        return "none"
    return f"`{json.dumps(value)}`"


def _may_be(hint: Any, field: FieldInfo) -> str:
    """The type, and the bounds."""
    bounds = {
        name: getattr(one, name)
        for one in field.metadata
        for name in ("ge", "gt", "le")
        if hasattr(one, name)
    }
    kind = _kind(hint)
    if "le" in bounds:
        least = f"{bounds['ge']:,} to" if "ge" in bounds else f"above {bounds['gt']:,}, at most"
        return f"{kind}, {least} {bounds['le']:,}"
    if "ge" in bounds:
        return f"{kind}, {bounds['ge']:,} or more"
    return f"{kind}, above {bounds['gt']:,}" if "gt" in bounds else kind


def _kind(hint: Any) -> str:
    for known, name in _KINDS:
        if hint == known:
            return name
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (one for one in get_args(hint) if one is not type(None))
        return _kind(inner)
    if hint in _PLAIN:
        return _PLAIN[hint]
    return _type(hint)


# ── the commands ──────────────────────────────────────────────────────────────────────────────


def _commands() -> Iterator[str]:
    yield from (EXIT_TABLE, "")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for panel in dict.fromkeys(one.rich_help_panel for one in commands.values()):
        yield from (f"## {panel}", "")
        for name, command in commands.items():
            if command.rich_help_panel == panel:
                yield from _command_or_group(name, command)


def _command_or_group(name: str, command: Any) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield from _command(name, command)
        return
    for inner, one in command.commands.items():
        yield from _command(f"{name} {inner}", one)


def _command(name: str, command: Any) -> Iterator[str]:
    given = (_argument(p) for p in command.params if p.param_type_name == "argument")
    yield from (f"### {name}", "", f"`{' '.join(['newsdrop', name, *given])}`", "")
    yield from (inspect.cleandoc(command.help), "")
    rows = [_option(p) for p in command.params if p.param_type_name == "option" and _is_own(p)]
    if rows:
        yield from ("| option | what it does |", "|---|---|", *rows, "")


def _argument(argument: Any) -> str:
    name = f"{argument.metavar} …" if argument.nargs == -1 else argument.metavar
    return name if argument.required else f"[{name}]"


def _is_own(option: Any) -> bool:
    return not option.hidden and not EVERYWHERE.intersection(option.opts)


def _option(option: Any) -> str:
    value = f" {option.metavar}" if option.metavar and not option.is_flag else ""
    names = ", ".join(f"{name}{value}" for name in (*option.opts, *option.secondary_opts))
    told = " ".join(option.help.split())
    cells = (cell.replace("|", "\\|") for cell in (f"`{names}`", told))
    return f"| {' | '.join(cells)} |"


# ── the modules ───────────────────────────────────────────────────────────────────────────────


def _modules() -> Iterator[str]:
    """A table for each package: its modules with the first sentence of their docstrings."""
    for package in sorted((DOCS.parent / "worker").rglob("__init__.py")):
        folder = package.parent
        yield from (f"## {folder.relative_to(DOCS.parent)}/", "", _sentence(package), "")
        yield from ("| module | what it holds |", "|---|---|")
        for module in sorted(folder.glob("*.py")):
            if not module.name.startswith("__"):
                yield f"| `{module.name}` | {_sentence(module)} |"
        yield ""


def _sentence(module: Path) -> str:
    """The first paragraph of a module's docstring on one line; what breaks a table is left out."""
    text = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", ", ")


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "modules.md": _modules,
    "record.md": _record,
    "configuration.md": _settings,
    "commands.md": _commands,
    "../newsdrop/consumer.py": _classes,
}

if __name__ == "__main__":
    for name in PAGES:
        path = DOCS / name
        path.write_text(page(name, path.read_text("utf-8")), "utf-8")
