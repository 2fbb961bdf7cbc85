"""Right on data nobody here wrote: every suite, newsdrop beside its best peer, as one table.

`python -m tests.truth` (`make truth`); `--quick` leaves the public pages out, which take most of
the time. What lies in `../shared` is left out where that is absent.
"""

import sys
from collections.abc import Iterator
from time import perf_counter

from tests.truth import page_rows, sample_rows, suites
from tests.truth.feed_values import MISSING
from tests.truth.row import Row, table


def rows(with_pages: bool) -> Iterator[Row]:
    """All rows that there is data for."""
    yield from suites.own()
    if suites.SHARED.is_dir():
        yield from suites.shared()
        yield from sample_rows.rows()
        if with_pages:
            yield from page_rows.rows(page_rows.measure())


def main() -> None:
    started = perf_counter()
    print(table(rows("--quick" not in sys.argv)))
    if MISSING:
        print(f"\nLeft out, not installed: {', '.join(MISSING)}")
    print(f"\n{perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
