"""The strict reader of plain heads reads what libyaml reads, or gives up."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from worker.errors import Rejected
from worker.formats.head_fence import split
from worker.formats.plain_head import read_plain
from worker.formats.yaml_head import Unreadable, load_events

GOLDEN = Path(__file__).parents[1] / "golden" / "front-matter"
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
MUTATED_COUNT = 20_000
_PIECES = (
    *("\n", "\n\n", " ", "  ", "\t", ":", ": ", " #", "#", "'", "''", '"', "\\", "- ", "\n - "),
    *("\n- ", "[", "]", "[a, b]", "[a,]", ",", "{", "}", "&a ", "*a", "!", "|", ">", "%", "@"),
    *("~", "null", "?", "? ", "---", "...", "\ufeff", "\xa0", "\u3000", "\u2028", "\x85", "\x07"),
    *(
        "key:",
        "key: ",
        "\nkey: v",
        "\nkey:\n",
        "\nkey:\n  - a\n  - b",
        "=",
        "<<: ",
        "é",
        "雨",
        "😀",
    ),
)


def _heads() -> list[str]:
    paths = [*GOLDEN.glob("*.in")]
    for folder in ("heads", "mirror", "dialects"):
        paths += (SAMPLES / folder).glob("*.md")
    heads = []
    for path in sorted(paths):
        with suppress(Rejected):
            fenced = split(path.read_bytes().decode("utf-8", "replace"))
            if fenced.syntax == "yaml":
                heads.append(fenced.head)
    return heads


HEADS = _heads()


def _mutated(random_: random.Random) -> str:
    text = random_.choice(HEADS)
    for _ in range(random_.randint(1, 4)):
        start = random_.randrange(len(text) + 1)
        end = start + random_.choice((0, 0, 1, 1, 2, random_.randrange(20)))
        text = text[:start] + random_.choice((*_PIECES, "")) + text[end:]
    return text


def _agrees(text: str) -> bool:
    """Whether the text was read; fails where libyaml reads something else."""
    plain = read_plain(text)
    if plain is None:
        return False
    try:
        assert list(load_events(text).items()) == list(plain.items()), text
    except Unreadable as error:
        pytest.fail(f"libyaml refuses {text!r}: {error}")
    return True


def test_same_as_libyaml_on_real_heads() -> None:
    """Most real heads are plain, and libyaml reads the same from them."""
    read_count = sum(map(_agrees, HEADS))
    assert read_count >= len(HEADS) // 2


def test_same_as_libyaml_on_mutated_heads() -> None:
    """No mutation of a head is read otherwise than by libyaml, and many are read."""
    random_ = random.Random(20211126)
    read_count = sum(_agrees(_mutated(random_)) for _ in range(MUTATED_COUNT))
    assert read_count > MUTATED_COUNT // (10 if SAMPLES.is_dir() else 12)
