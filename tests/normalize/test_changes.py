"""The differences between two revisions."""

from hypothesis import given
from hypothesis import strategies as st

from worker.model import Change, ChangeKind
from worker.normalize.changes import MAX_CHANGES, Version, changes

BEFORE = "The mill stands still.\nTwo hundred people are sent home.\nNobody says for how long."


def apply(text: str, found: tuple[Change, ...]) -> str:
    """As docs/record.md describes it."""
    lines = text.split("\n") if text else []
    for change in found:
        at = change.paragraph or 0
        if change.kind in (ChangeKind.REMOVED, ChangeKind.EDITED):
            assert lines.pop(at) == change.old
        if change.new is not None:
            lines.insert(at, change.new)
    return "\n".join(lines)


def version(text: str, title: str = "Mill closed", date: str | None = "2026-03-02") -> Version:
    return Version(title, date, None, text)


def test_paragraphs() -> None:
    """An edited paragraph is one change; one before it is added, the last is removed."""
    after = "The mill stands still.\nThe owner gave no reason.\nThree hundred people are sent home."
    assert [
        (each.kind.value, each.paragraph, each.old, each.new)
        for each in changes(version(BEFORE), version(after))
    ] == [
        ("added", 1, None, "The owner gave no reason."),
        (
            "edited",
            2,
            "Two hundred people are sent home.",
            "Three hundred people are sent home.",
        ),
        ("removed", 3, "Nobody says for how long.", None),
    ]


def test_fields() -> None:
    """Title and date are compared; a date that was missing is added; equal versions have none."""
    new = version(BEFORE, "Mill to close", "2026-03-02")
    old = version(BEFORE, date=None)
    assert changes(old, new) == (
        Change("title", ChangeKind.EDITED, None, "Mill closed", "Mill to close"),
        Change("date", ChangeKind.ADDED, None, None, "2026-03-02"),
    )
    assert changes(new, new) == ()
    assert changes(old, Version.of({"title": "Mill closed", "content_text": BEFORE})) == ()


def test_too_many() -> None:
    """A text with more changes than the limit is replaced as a whole; as is one of 100,000 new
    paragraphs, which are not compared."""
    for count in (MAX_CHANGES + 1, 100_000):
        new = "\n".join(f"Item {number}" for number in range(count))
        (change,) = changes(version(BEFORE), version(new))
        assert change == Change("content_text", ChangeKind.REPLACED, None, None, None)


texts = st.lists(st.sampled_from(["", "a", "steel works", "steel work", "gas"]), max_size=9)


@given(texts, texts)
def test_changes_make_the_new_text(old: list[str], new: list[str]) -> None:
    """Applied one after the other to the old text, the changes make the new one."""
    before, after = "\n".join(old), "\n".join(new)
    assert apply(before, changes(version(before), version(after))) == after
