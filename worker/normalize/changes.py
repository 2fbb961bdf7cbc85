"""Differences between two revisions of a record: title, dates, and paragraphs of the text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any, Self

from worker.model import Change, ChangeKind

MAX_CHANGES = 200
MAX_CHARACTERS = 100_000
"""Maximum number of changes of a text, and of characters in them: a longer list is more than the
record itself, which is read instead."""

_MAX_PARAGRAPHS = 1_000
"""Paragraphs that are compared, without those that both texts begin or end with: 1,000 of which
every second one differs take 0.3 s."""
_LOOK_AHEAD = 8
"""New paragraphs among which the edited form of an old one is looked for."""
_LIKENESS, _BEGINNING = 0.4, 2_000
_FIELDS = ("title", "date", "date_published")


@dataclass(frozen=True, slots=True)
class Version:
    """The fields of a record that are compared."""

    title: str | None
    date: str | None
    date_published: str | None
    content_text: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """From a record as JSON; a field that is no text is missing."""
        title, date, published, text = (
            value if isinstance(value := record.get(name), str) else None
            for name in (*_FIELDS, "content_text")
        )
        return cls(title, date, published, text or "")


def changes(old: Version, new: Version) -> tuple[Change, ...]:
    """The changes that turn `old` into `new`, to be applied in order; empty if they are equal.

    Fields come first, then paragraphs of the text from its beginning. Where the text has more than
    MAX_CHANGES changes or MAX_CHARACTERS in them, one change says `replaced`.
    """
    differences = [
        Change(name, _kind(before, after), None, before, after)
        for name in _FIELDS
        if (before := getattr(old, name)) != (after := getattr(new, name))
    ]
    if old.content_text != new.content_text:
        differences += _text_changes(old.content_text, new.content_text)
    return tuple(differences)


def common_length(old: Sequence[str], new: Sequence[str]) -> int:
    """The number of equal items (or characters) at the beginning of both."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))


def _kind(old: str | None, new: str | None) -> ChangeKind:
    if old is None:
        return ChangeKind.ADDED
    return ChangeKind.REMOVED if new is None else ChangeKind.EDITED


def _text_changes(old_text: str, new_text: str) -> list[Change]:
    old, new = _paragraphs(old_text), _paragraphs(new_text)
    first = common_length(old, new)
    tail_length = common_length(old[first:][::-1], new[first:][::-1])
    old, new = old[first : len(old) - tail_length], new[first : len(new) - tail_length]
    differences: list[Change] = []
    characters = 0
    if max(len(old), len(new)) <= _MAX_PARAGRAPHS:
        for change in _paragraph_changes(old, new, first):
            differences.append(change)
            characters += len(change.old or "") + len(change.new or "")
            if len(differences) > MAX_CHANGES or characters > MAX_CHARACTERS:
                break
        else:
            return differences
    return [Change("content_text", ChangeKind.REPLACED, None, None, None)]


def _paragraphs(text: str) -> list[str]:
    """An empty text has no paragraph, so that its first one is added, not edited."""
    return text.split("\n") if text else []


def _paragraph_changes(old: Sequence[str], new: Sequence[str], first: int) -> Iterator[Change]:
    """The changes of paragraphs from number `first` on."""
    matcher = SequenceMatcher(None, old, new)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            continue
        at = new_from
        for before in old[old_from:old_to]:
            window = range(at, min(new_to, at + _LOOK_AHEAD))
            match = next((each for each in window if _is_edited(before, new[each])), None)
            if match is None:
                yield Change("content_text", ChangeKind.REMOVED, first + at, before, None)
                continue
            yield from _added(new, at, match, first)
            yield Change("content_text", ChangeKind.EDITED, first + match, before, new[match])
            at = match + 1
        yield from _added(new, at, new_to, first)


def _added(new: Sequence[str], start: int, stop: int, first: int) -> Iterator[Change]:
    for at in range(start, stop):
        yield Change("content_text", ChangeKind.ADDED, first + at, None, new[at])


def _is_edited(old: str, new: str) -> bool:
    """Whether the beginnings of two paragraphs share so many pairs of adjacent characters that one
    is an edited form of the other: difflib's ratio takes seconds for long paragraphs."""
    old_pairs, new_pairs = set(pairwise(old[:_BEGINNING])), set(pairwise(new[:_BEGINNING]))
    return len(old_pairs & new_pairs) >= _LIKENESS * max(1, min(len(old_pairs), len(new_pairs)))
