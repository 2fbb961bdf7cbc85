"""Prints precision and recall of the marks of near-duplicates, by class: `python -m tests.near`."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable

from tests.near.pairs import Pair, pairs, with_errors
from worker.normalize.stories.sketch import make_sketch, similarity

WIDTH = 8


def are_joined(first: str, second: str) -> bool:
    """Whether the second text is found by a band of the first, and its sketch agrees."""
    one, other = make_sketch(first), make_sketch(second)
    if one is None or other is None:
        return False
    bands = [
        {m.bands[at : at + WIDTH] for at in range(0, len(m.bands), WIDTH)} for m in (one, other)
    ]
    return bool(bands[0] & bands[1]) and similarity(one.sketch, other.sketch) > 0


def measure(
    chosen: Iterable[Pair], spoil: Callable[[str, int], str] = lambda text, _: text
) -> tuple[float, float, dict[tuple[str, str], tuple[int, int]]]:
    """Precision and recall, and (right, all) for each language and class."""
    right, total, counts = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    for pair in chosen:
        joined = are_joined(pair.first, spoil(pair.second, pair.number))
        key = pair.language, pair.kind
        total[key] += 1
        right[key] += joined == pair.same
        counts["positive"] += joined
        counts["true"] += pair.same
        counts["true positive"] += joined and pair.same
    precision = counts["true positive"] / max(1, counts["positive"])
    recall = counts["true positive"] / max(1, counts["true"])
    return precision, recall, {key: (right[key], total[key]) for key in total}


def main() -> None:
    """A table for each half, and for the held-out half with 5 % of the characters wrong."""
    for name, held_out, share in (
        ("for tuning", False, 0.0),
        ("held out", True, 0.0),
        ("held out, 5 % of the characters wrong", True, 0.05),
    ):
        if held_out and "--tuning" in sys.argv:
            continue
        chosen = [pair for pair in pairs() if pair.is_held_out == held_out]
        found = measure(chosen, lambda text, seed, share=share: with_errors(text, share, seed))
        precision, recall, classes = found
        print(f"\n{name}: {len(chosen)} pairs, precision {precision:.3f}, recall {recall:.3f}")
        for (language, kind), (right, total) in classes.items():
            print(f"  {language} {kind:<11} {right:>3} of {total}")


if __name__ == "__main__":
    main()
