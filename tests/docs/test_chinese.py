"""The Chinese documents show the commands, settings and programs of the English ones."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAIRS = {
    ROOT / "README.zh-CN.md": ROOT / "README.md",
    **{
        path: ROOT / "docs" / path.name
        for path in (ROOT / "docs/zh").glob("*.md")
        if path.name != "glossary.md"
    },
}


def code(path: Path) -> set[str]:
    """The lines of all fenced blocks, without comments and the text of docstrings."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S)
    lines = (
        re.sub(r"\s+#\s.*| *\"\"\".*", "", line).rstrip()
        for block in blocks
        for line in block.split("\n")
    )
    return {line for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("chinese", PAIRS, ids=lambda path: path.name)
def test_code_is_that_of_the_english_page(chinese: Path) -> None:
    """Examples are run from the English page; the Chinese one has the same lines."""
    assert code(chinese) - code(PAIRS[chinese]) == set()


@pytest.mark.parametrize("chinese", PAIRS, ids=lambda path: path.name)
def test_both_link_to_each_other(chinese: Path) -> None:
    """A reader finds the page in the other language."""
    english = PAIRS[chinese]
    assert english.name in chinese.read_text("utf-8")[:200]
    assert chinese.name in english.read_text("utf-8")[:300]


def test_every_reason_is_explained_in_chinese() -> None:
    """The codes of docs/refusals.md and docs/zh/refusals.md are the same."""
    codes = re.compile(r"^\| `(\w+)`", re.M)
    english = codes.findall((ROOT / "docs/refusals.md").read_text("utf-8"))
    assert codes.findall((ROOT / "docs/zh/refusals.md").read_text("utf-8")) == english
