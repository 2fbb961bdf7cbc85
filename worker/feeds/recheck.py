"""When a published page is rechecked. Pure: the clock is an argument."""

from dataclasses import dataclass

AGES_MS = (3_600_000, 86_400_000, 604_800_000)
"""Ages of a page at which it is fetched again: 1 h, 24 h and 7 d. A recheck is too late when the
page is twice as old."""

CONFIRM_MS = 86_400_000
"""The least time between the two answers 404 or 410 of a page that count as its removal."""

RETRY_MS = 1_800_000
"""The time until a recheck that failed is tried again."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Recheck `number` (from 0) is due at `due_ms`, and too late at `late_ms` (Unix)."""

    number: int
    due_ms: int
    late_ms: int


def next_recheck(
    page_ms: int, now_ms: int, last_number: int = -1, *, was_made: bool = False
) -> tuple[Recheck | None, int]:
    """The recheck after `last_number` of a page that was fetched at `page_ms`, None after the last;
    and how many before it are dropped because they are too late already.

    With `was_made` the last one was made just now: it replaces those that were due before now.
    """
    dropped_count = 0
    for number in range(last_number + 1, len(AGES_MS)):
        due_ms, late_ms = page_ms + AGES_MS[number], page_ms + 2 * AGES_MS[number]
        if was_made and due_ms <= now_ms:
            continue
        if late_ms > now_ms:
            return Recheck(number, due_ms, late_ms), dropped_count
        dropped_count += 1
    return None, dropped_count


def is_over(page_ms: int, now_ms: int) -> bool:
    """Whether a page is too old for any recheck."""
    return now_ms >= page_ms + 2 * AGES_MS[-1]
