"""Extracts what is translated, updates the catalogues and compiles them (`make i18n`).

Templates mark their text (`_()`, `{% trans %}`, the filter `plural`); what is read from Python is
in `docs/source_messages.py`.
"""

import ast
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import nodes
from source_messages import CALLS, FORMS, forms_in, messages_in, noun_forms

from worker.errors import Reason, Trouble
from worker.model import ChangeKind
from worker.model.warning import WarningKind
from worker.queries.feeds import FeedStatus
from worker.queries.jobs import STARTED_BY
from worker.readmodel.filters import Filters
from worker.translation import DOMAIN, FORM, HERE, LANGUAGES
from worker.web.rendering import Pages

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "worker"
TEMPLATES = PACKAGE / "web" / "templates"

ENGLISH = ("web/api/",)
"""What only programs read stays in English."""

PAGE_TITLES = (
    *("Bad request", "Forbidden", "Not found", "Method not allowed", "Request timeout", "Conflict"),
    *("Request entity too large", "Content too large", "Unsupported media type"),
    *("Misdirected request", "Unprocessable entity", "Unprocessable content"),
    *("Internal server error", "Bad gateway", "Service unavailable"),
)
"""The phrases of the statuses of pages, in Python 3.11 and since 3.13."""

TOML_ERRORS = (
    *("{what} (at line {line}, column {column})", "{what} (at end of document)"),
    *("Invalid statement", "Invalid value", "Invalid date or datetime", "Invalid hex value"),
    *("Unclosed array", "Unclosed inline table", "Unterminated string"),
    *("Expected '=' after a key in a key/value pair", "Unescaped '\\' in a string"),
    *("Expected ']' at the end of a table declaration", "Expected {sign}"),
    "Expected ']]' at the end of an array declaration",
    *("Expected newline or end of document after a statement", "Cannot overwrite a value"),
    *("Invalid initial character for a key part", "Illegal character {character}"),
    *("Found invalid character {character}", "Duplicate inline table key {key}"),
    *("Cannot declare {key} twice", "Cannot redefine namespace {key}"),
    *("Cannot mutate immutable namespace {key}", "Escaped character is not a Unicode scalar value"),
)
"""What `tomllib` says of a file, and where."""

USAGE_ERRORS = (
    *("No such option: {option}", "Missing argument {name}.", "Missing option {name}."),
    *("No such option: {option} (Possible options: {others})", "Missing command."),
    *("No such command {name}.", "No such command {name}. Did you mean {other}?"),
    "Got unexpected extra argument(s) ({arguments})",
    *("Option {option} requires an argument.", "Option {option} does not take a value."),
    "Invalid value for {name}: {problem}",
    "Value error, {given} is not one of {choices}.",
    "Input should be greater than or equal to {least}",
    "Input should be less than or equal to {most}",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
)
"""What typer says of options and arguments; its own texts have no catalogue."""

OS_CAUSES = (
    *("Permission denied", "Operation not permitted", "No such file or directory", "File exists"),
    *("Is a directory", "Not a directory", "Directory not empty", "File name too long"),
    *("Too many levels of symbolic links", "Read-only file system", "No space left on device"),
    *("Disk quota exceeded", "Input/output error", "Device or resource busy"),
    *("Too many open files", "Too many open files in system", "Cannot allocate memory"),
    *("Stale file handle", "Address already in use", "Cannot assign requested address"),
    *("Connection refused", "Connection reset by peer", "Broken pipe", "Connection timed out"),
    *("No route to host", "Network is unreachable", "Transport endpoint is not connected"),
    *("No such device", "No such device or address", "Invalid cross-device link"),
    *("Invalid argument", "File too large", "Name or service not known"),
    *("Temporary failure in name resolution", "[Errno {number}] {cause}"),
    *("[Errno {number}] {cause}: {path}",),
)
"""The kernel's reasons as glibc words them, and how Python shows them."""

Found = dict[str | tuple[str, str], list[tuple[str, int]]]


def collect() -> Found:
    """msgid (or singular and plural) -> where it stands."""
    found: Found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        where = str(path.relative_to(ROOT))
        if str(path.relative_to(PACKAGE)).startswith(ENGLISH):
            continue
        for line, text in messages_in(ast.parse(path.read_text("utf-8"))):
            found[text].append((where, line))
    for path in sorted(TEMPLATES.rglob("*.html")):
        where = str(path.relative_to(ROOT))
        source = path.read_text("utf-8")
        options = {"trimmed": "true", "newstyle_gettext": "true"}
        found_here = extract(
            "jinja2.ext:babel_extract", io.BytesIO(source.encode()), options=options
        )
        for line, text, *_ in found_here:
            found[text if isinstance(text, str) else (text[0], text[1])].append((where, line))
        for line, noun in _counted_nouns(source):
            found[noun].append((where, line))
    for name in vocabulary():
        found[name].append(("docs/catalogue.py", 0))
    return found


def vocabulary() -> Iterator[str]:
    """Names with a fixed set of values, as pages show them; in data they never change."""
    names = [*Reason, *Trouble, *WarningKind, *FeedStatus, *STARTED_BY.values()]
    names += [*(field.name for field in fields(Filters)), "reason", "any"]
    names += ["refused", "waiting", "processing", "archived", "quarantined", "on other nodes"]
    names += ["last success", "next", "folder", *ChangeKind, "title", "date published"]
    yield from (str(name).replace("_", " ") for name in names)
    yield from PAGE_TITLES
    yield from TOML_ERRORS
    yield from USAGE_ERRORS
    yield from OS_CAUSES


def _counted_nouns(source: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """The nouns of the filter `plural` in a template."""
    tree = Pages(lambda: "").environment.parse(source)
    for node in tree.find_all(nodes.Filter):
        if node.name == "plural":
            yield node.lineno, noun_forms(*[argument.as_const() for argument in node.args])


def forms() -> set[str]:
    """The texts of the source that are looked up before they have their values, and only so."""
    found, messages = set[str](), set[str | tuple[str, str]]()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        found |= forms_in(tree)
        messages |= {text for _, text in messages_in(tree, CALLS - FORMS)}
    return found - messages


def template() -> Catalog:
    catalogue = Catalog(project=DOMAIN, fuzzy=False)
    in_forms = forms()
    for text, places in collect().items():
        flags = (
            []
            if isinstance(text, tuple)
            else (["python-format"] if re.search(r"%\(\w+\)s", text) else [])
        )
        catalogue.add(
            text,
            locations=sorted({(where, 0) for where, _ in places}),
            flags=flags,
            context=FORM if text in in_forms else None,
        )
    return catalogue


def po_path(language: str) -> Path:
    return HERE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def updated(language: str) -> Catalog:
    """The catalogue of `language` with the messages of the source; unused ones are gone."""
    path = po_path(language)
    with path.open("rb") if path.exists() else io.BytesIO() as file:
        catalogue = read_po(file, locale=language, domain=DOMAIN)
    catalogue.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates and names: the same source gives the same file."""


def to_po(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=100, sort_output=True, omit_header=True, include_lineno=False)
    language, plural_forms = catalogue.locale_identifier, catalogue.plural_forms
    return _HEADER.format(language=language, plural_forms=plural_forms).encode() + out.getvalue()


def to_mo(catalogue: Catalog) -> bytes:
    catalogue.creation_date = catalogue.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> None:
    missing = 0
    for language in sorted(set(LANGUAGES) - {"en"}):
        catalogue = updated(language)
        po_path(language).write_bytes(to_po(catalogue))
        po_path(language).with_suffix(".mo").write_bytes(to_mo(catalogue))
        empty = [
            it.id
            for it in catalogue
            if it.id and not all(it.string if isinstance(it.string, tuple) else [it.string])
        ]
        missing += len(empty)
        for text in empty:
            print(f"{language}: no translation of {text!r}")
    sys.exit(
        f"{missing} messages have no translation: write them into the catalogue" if missing else 0
    )


if __name__ == "__main__":
    main()
