"""The text of a body: collected piece by piece, divided into lines."""

from collections.abc import Iterator, Sequence

from worker.normalize.body.sanitize import Writer
from worker.normalize.strings import clean_text

_CELL_END = "\x1f"  # ends a cell within a line: no input has it, and a tab would become a space
LONGEST = 1000
"""Characters of a link's text or of a highlight."""
_ENOUGH = 8 * LONGEST
"""Texts, and characters with white space, that are read for one of them."""


class Lines:
    """`lines` holds the finished lines, `texts` every piece so far, those of the open line too.

    With `is_dirty`, pieces may hold invalid characters, written as references.
    """

    def __init__(self, writer: Writer, *, is_dirty: bool) -> None:
        self.lines: list[str] = []
        self.texts: list[str] = []
        self.in_line = False  # whether the line has a text
        self.after_bold = False  # whether only spaces follow a bold run in this line
        self.pre = 0  # open `pre` elements
        self._line_start = 0
        self._writer = writer
        self._is_dirty = is_dirty

    def add(self, text: str) -> None:
        """Add the text of a node, and write it as HTML."""
        if self._is_dirty:
            text = clean_text(text)
        if not self.pre:
            if text.isspace():
                if self.in_line:
                    self.texts.append(" ")
                elif "\n" not in text:
                    return
                self._writer.space("\n" if "\n" in text else " ")
                return
            if not self.in_line:  # a line begins: no indent, also in the HTML
                text = text.lstrip()
            self.after_bold = False
        if text:
            self.in_line = True
            self.texts.append(text)
            self._writer.text(text)

    def since(self, start: int) -> str:
        """The text since there were `start` texts, on one line, cut to `LONGEST` characters."""
        pieces = self.texts[start : start + _ENOUGH]
        whole = pieces[0] if len(pieces) == 1 else "".join(_beginning(pieces))  # mostly it is one
        text = " ".join(whole[:_ENOUGH].split())
        return text if len(text) <= LONGEST else text[:LONGEST].rstrip()

    def begin_cell(self) -> None:
        """Begin a table cell, which separates it from the text before it in the line."""
        if self.in_line:
            self.texts.append(_CELL_END)

    def end_cell(self) -> None:
        """End a table cell."""
        if self.in_line:
            self.texts.append(" ")

    def end_line(self) -> None:
        """End the line, if it has a text."""
        if not self.in_line:
            return
        text = "".join(self.texts[self._line_start :])
        self.texts.append(" ")
        self._line_start = len(self.texts)
        self.after_bold = self.in_line = False
        if self.pre:
            rows = text.replace(f" {_CELL_END}", "\t").replace(_CELL_END, "\t").split("\n")
            self.lines += filter(None, map(str.rstrip, rows))
        elif _CELL_END in text:
            cells = (" ".join(cell.split()) for cell in text.split(_CELL_END))
            if row := "\t".join(cells).strip():
                self.lines.append(row)
        elif text := " ".join(text.split()):
            self.lines.append(text)


def _beginning(pieces: Sequence[str]) -> Iterator[str]:
    """The first of `pieces` that are enough: what is around a whole book costs no more than its
    beginning."""
    size = 0
    for piece in pieces:
        yield piece
        size += len(piece)
        if size > _ENOUGH:
            return
