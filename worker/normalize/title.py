"""The title: as written, or, where nothing was, what stands first in the body."""

import re

from worker.normalize.folding import shows
from worker.normalize.strings import line

LONGEST = 1000
"""Characters."""

_LONGEST_SENTENCE = 120
_SENTENCE = re.compile(r".+?[。！？!?…]+[”」』\"]?|.+?\.(?=\s)")


def title_of(written: str | None, *, heading: str | None, text: str, warnings: list[str]) -> str:
    """The title on one line, at most LONGEST characters; empty if there is nothing to take.

    Without one the first heading, else the first sentence, with a warning.
    """
    title = line(written, LONGEST + 1)
    if len(title) > LONGEST:
        warnings.append(f"title cut at {LONGEST:,} characters")
        title = title[:LONGEST].rstrip()
    if shows(title):
        return title
    if heading and shows(line(heading)):
        warnings.append("no title: the first heading stands in for it")
        return line(heading, LONGEST)
    for row in text.split("\n"):
        if shows(line(row)):
            warnings.append("no title: the first sentence stands in for it")
            return _first_sentence(line(row))
    return ""


def _first_sentence(row: str) -> str:
    match = _SENTENCE.match(row)
    sentence = match[0] if match else row
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return sentence[: _LONGEST_SENTENCE - 1].rstrip() + "…"
