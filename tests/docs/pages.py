"""The documents, and the code blocks in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITES = ROOT / "config" / "sites" / "README.md"
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), SITES)
}
"""Every document, by its path in the project."""

_FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text without indent, and the line it begins at."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, *languages: str) -> list[Block]:
    """The blocks of these languages, in order."""
    text = PAGES[page].read_text("utf-8")
    found = []
    for match in _FENCED.finditer(text):
        indent, kind, body = match.groups()
        if kind in languages:
            line = text.count("\n", 0, match.start()) + 2
            body = re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
            found.append(Block(page, line, kind, body))
    return found
