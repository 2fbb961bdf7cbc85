"""The catalogues: complete, current, consistent; and templates have no text outside of them."""

import gettext
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from worker.translation import PLACEHOLDER, message, use_language
from worker.web.rendering import SCRIPT_WORDS, STATIC

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "worker/web/templates").rglob("*.html"))
_PERCENT = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def catalogue() -> ModuleType:
    """`docs/catalogue.py`, which `make i18n` runs."""
    sys.path.insert(0, str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("catalogue", ROOT / "docs/catalogue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


@pytest.fixture(scope="module")
def chinese(catalogue: ModuleType) -> Catalog:
    with catalogue.po_path("zh").open("rb") as file:
        return read_po(file, locale="zh")


def texts(entry: object) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry)  # type: ignore[call-overload]


def test_nothing_is_missing_or_unused(catalogue: ModuleType, chinese: Catalog) -> None:
    """The catalogue has the messages of the source and no others (else: `make i18n`)."""
    of_source = {texts(it.id)[0] for it in catalogue.template() if it.id}
    of_catalogue = {texts(it.id)[0] for it in chinese if it.id}
    assert of_source - of_catalogue == set()
    assert of_catalogue - of_source == set()


def test_everything_is_translated(chinese: Catalog) -> None:
    """No message is empty, fuzzy or obsolete."""
    empty = [it.id for it in chinese if it.id and not all(texts(it.string or ""))]
    assert empty == []
    assert [it.id for it in chinese if it.id and it.fuzzy] == []
    assert not chinese.obsolete


def test_placeholders_agree(chinese: Catalog) -> None:
    """A translation has the values and the tags of its message."""
    for entry in chinese:
        if not entry.id:
            continue
        original, translated = texts(entry.id)[-1], texts(entry.string)[0]
        for kind in (PLACEHOLDER, _PERCENT, re.compile(r"</?\w+[^>]*>"), re.compile(r"`[^`]*`")):
            assert sorted(kind.findall(translated)) == sorted(kind.findall(original)), original


def test_the_compiled_catalogue_is_current(catalogue: ModuleType, chinese: Catalog) -> None:
    """It is compiled from the catalogue."""
    with catalogue.po_path("zh").with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in chinese:
        if isinstance(entry.id, str) and entry.id:
            found = (
                compiled.pgettext(entry.context, entry.id)
                if entry.context
                else compiled.gettext(entry.id)
            )
            assert found == entry.string
        elif entry.id:
            assert compiled.ngettext(*entry.id, 2) == entry.string[0]


def test_every_pattern_is_found_again(chinese: Catalog) -> None:
    """A message filled in is recognised by its own pattern, and by no more general one."""
    wrong = []
    with use_language("zh"):
        for entry in chinese:
            if not isinstance(entry.id, str) or not entry.id or "%(" in entry.id or entry.context:
                continue
            names = PLACEHOLDER.findall(entry.id)
            values = {name: f"⟦{number}⟧" for number, name in enumerate(names)}
            for second in re.findall(r"\}\{(\w+)\}", entry.id):
                values[second] = ""  # of two that touch, the first gets all
            literal = PLACEHOLDER.sub("", entry.id)
            if len(literal) < 6 and names:
                continue  # a fragment of other messages
            if message(entry.id.format(**values)) != str(entry.string).format(**values):
                wrong.append(entry.id)
    assert wrong == []


def literal_text(source: str) -> list[str]:
    """The words of a template that no translation reaches."""
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    source = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.S)
    source = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "\0", source, flags=re.S)
    source = re.sub(r"<code>.*?</code>", "", source, flags=re.S)
    source = re.sub(r'data-(?!label)\w+="[^"]*"', "", source)
    attributes = re.findall(r'\s(?:aria-label|data-label|placeholder|title|alt)="([^"]*)"', source)
    pieces = re.split(r"[\0\n]", re.sub(r"<[^>]*>", "\0", source, flags=re.S))
    return [it for it in [*pieces, *attributes] if re.search(r"[A-Za-z]{2}", it)]


ALLOWED = {"newsdrop", "https://", "2021/11/a.md", "2021-11-26"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_literal_text(path: Path) -> None:
    """All text of a page goes through the catalogue."""
    found = {text.strip(" ·") for text in literal_text(path.read_text("utf-8"))}
    assert found - ALLOWED == set()


def test_literal_text_is_seen() -> None:
    """The check above finds text, and text in attributes, the labels of cards included."""
    source = '<p class="a">Hello {{ x }}</p><i aria-label="There">{{ _("y") }}</i>'
    assert literal_text(source) == ["Hello ", "There"]
    assert literal_text('<td data-label="files" data-key="none">{{ x }}</td>') == ["files"]


def test_the_script_writes_nothing_else() -> None:
    """Each text of the scripts is in SCRIPT_WORDS, and each of these is used."""
    script = "\n".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.js")))
    used = set(re.findall(r'"([^"\n]*)"', script))
    assert [text for text in SCRIPT_WORDS if text not in used] == []
    called = set(re.findall(r'translated\("([^"]*)"', script))
    assert called - set(SCRIPT_WORDS) == set()
