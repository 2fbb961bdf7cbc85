"""Translation of pages and of the command line: gettext's catalogues, for a request or a command.

Messages with values in them (errors, reasons of refusals, problems) are made and stored in English,
for logs, journals and programs. :func:`message` translates the finished text when it is shown: the
catalogue has its pattern (`the file has {size} bytes …`), which `docs/catalogue.py` reads from the
source. So a message that an older version stored is translated, too, and no reason is stored in the
language of the person who started the worker.
"""

import gettext as catalogues
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "中文"}
"""Code -> its name in itself."""

DEFAULT = "en"
HTML_CODES = {"en": "en", "zh": "zh-Hans"}
"""Code -> BCP 47, for the attribute `lang`."""

DOMAIN = "newsdrop"
FORM = "form"
"""The context in the catalogue of texts that are looked up before their values are filled in: no
finished message fits them, because the context is a part of their key."""

HERE = Path(__file__).parent

_MAX_DEPTH = 3
"""A message may quote a message, which may quote a cause."""

_MIN_LITERAL = 6
"""Characters of its own that a pattern needs: `{name}: {why}` would match everything."""

_MAX_LENGTH = 4000

_current: ContextVar[str] = ContextVar("language", default=DEFAULT)

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def current_language() -> str:
    return _current.get()


def set_language(code: str) -> None:
    """From now on in this context: a command, or one request."""
    _current.set(code)


@contextmanager
def use_language(code: str) -> Iterator[None]:
    token = _current.set(code)
    try:
        yield
    finally:
        _current.reset(token)


def mark(text: str) -> str:
    """`text`, unchanged: the catalogue has it, and it is translated where it is shown."""
    return text


def gettext(text: str) -> str:
    catalogue = _load(_current.get())
    form = catalogue.pgettext(FORM, text) if "{" in text else text
    return form if form != text or not text else catalogue.gettext(text)


def ngettext(one: str, many: str, number: float) -> str:
    """The form for `number`; `{count}` in it is for the caller to fill in."""
    return _load(_current.get()).ngettext(one, many, int(number))


def make_plural(noun: str) -> str:
    """The plural of a regular noun: `files`, `batches`, `entries`."""
    if noun.endswith(("ch", "ss")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"


def punctuate(text: str) -> str:
    """A line put together from translated parts by `: ` and `, `, with the marks of the language.
    It holds nothing from outside."""
    return text if _current.get() == DEFAULT else text.replace(": ", "：").replace(", ", "，")


def count_noun(number: float | None, one: str, many: str | None = None, unknown: str = "–") -> str:
    """`1 file`, `12,345 files`, `2 batches`; in Chinese with the measure word of the noun."""
    form = ngettext(f"{{count}} {one}", f"{{count}} {many or make_plural(one)}", number or 0)
    return form.format(count=unknown if number is None else f"{number:,.0f}")


def message(text: str) -> str:
    """A finished English message in the current language, line by line; as it is where no pattern
    fits it: half of a translation would be worse."""
    code = _current.get()
    if code == DEFAULT or not text or len(text) > _MAX_LENGTH:
        return text
    return "\n".join(_translate(code, line) for line in text.split("\n"))


def negotiate(header: str) -> str:
    """The supported language of the highest weight in an `Accept-Language` (RFC 9110, 12.5.4)."""
    best, best_weight = DEFAULT, 0.0
    for part in header[:1000].split(","):
        tag, _, parameters = part.strip().partition(";")
        code = tag.split("-")[0].lower()
        quality = (
            re.fullmatch(r"\s*q=(0(?:\.\d*)?|1(?:\.0*)?)\s*", parameters) if parameters else None
        )
        weight = 1.0 if not parameters else float(quality[1]) if quality else 0.0
        if code in LANGUAGES and weight > best_weight:
            best, best_weight = code, weight
    return best


def from_environment(environment: Mapping[str, str]) -> str:
    """The language of a terminal (POSIX: the first that is set of LC_ALL, LC_MESSAGES and LANG)."""
    value = next(
        (environment[it] for it in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(it)), ""
    )
    code = re.split(r"[_.@]", value)[0].lower()
    return code if code in LANGUAGES else DEFAULT


@cache
def _load(code: str) -> catalogues.NullTranslations:
    return catalogues.translation(DOMAIN, HERE, [code], fallback=True)


@lru_cache(maxsize=4096)
def _translate(code: str, text: str, depth: int = 0) -> str:
    translation = _find(code, text, depth)
    if translation is None and text.endswith("."):  # a message that became a sentence
        bare = text.removesuffix(".")
        translation = _find(code, bare, depth) or _find(code, bare[:1].lower() + bare[1:], depth)
        translation = translation and f"{translation}。"
    if translation is not None:
        return translation
    head, separator, tail = text.partition(
        ": "
    )  # a path, a key or a name, and what is wrong with it
    if separator and (sentence := _translate(code, tail, depth + 1)) != tail:
        return f"{_translate_value(code, head, depth + 1)}：{sentence}"
    return text


def _find(code: str, text: str, depth: int) -> str | None:
    """The translation of a whole message; None if the catalogue has none."""
    exact = _load(code).gettext(text) if text else text
    if exact != text or depth > _MAX_DEPTH:
        return exact
    for pieces, names, translated in _patterns(code):
        values = _match(pieces, text)
        # "check the address" has no number of addresses
        if values is not None and not (names == ("count",) and values[0][:1].isalpha()):
            filled = {
                name: _translate_value(code, value, depth + 1)
                for name, value in zip(names, values, strict=True)
            }
            return translated.format(**filled)
    return None


def _translate_value(code: str, value: str, depth: int) -> str:
    """A value of several words may be a message. A single word is a name, a path or a code: a file
    `files` and a group `next` keep their names, although the catalogue has these words."""
    return _translate(code, value, depth) if " " in value.strip() else value


@cache
def _patterns(code: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]:
    """(literal pieces, names between them, translation), those with most literal text first."""
    entries: Mapping[str | tuple[str, int], str] = vars(_load(code)).get("_catalog", {})
    patterns = []
    for key, translated in entries.items():
        for form in _forms(key):
            pieces = PLACEHOLDER.split(form)
            literal = sum(map(len, pieces[::2]))
            if len(pieces) > 1 and (literal >= _MIN_LITERAL or not isinstance(key, str)):
                patterns.append((literal, tuple(pieces[::2]), tuple(pieces[1::2]), translated))
    patterns.sort(key=lambda entry: -entry[0])
    return tuple(entry[1:] for entry in patterns)


def _forms(key: str | tuple[str, int]) -> tuple[str, ...]:
    """A msgid as messages have it; a counted noun in both numbers (gettext drops the plural)."""
    if isinstance(key, str):
        return (key,)
    return key[0], make_plural(key[0])


def _match(pieces: tuple[str, ...], text: str) -> tuple[str, ...] | None:
    """What stands in `text` between the pieces; None where they do not fit.

    Each piece is taken where it occurs first, so that it needs one pass: a regular expression with
    four gaps needs seconds for a text that was made for it.
    """
    first, last = pieces[0], pieces[-1]
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return None
    ends = [(0, len(first))]
    for piece, after in pairwise(pieces[1:]):
        # Of two values without text between them the first gets all.
        start = ends[-1][1]
        at = text.find(piece, start, end) if piece else text.find(after, start) if after else end
        if at < 0:
            return None
        ends.append((at, at + len(piece)))
    ends.append((end, len(text)))
    values = tuple(text[left[1] : right[0]] for left, right in pairwise(ends))
    # A path or a count begins a message, never half a sentence that happens to end as a pattern.
    return None if not first and ": " in values[0] else values
