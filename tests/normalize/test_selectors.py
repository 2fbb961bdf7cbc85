"""The search of a body by a site's selectors finds what one selector of them all finds."""

import random

import pytest

from worker.normalize.body import tree

_PARTS = ("a", "b", "a-b", "A", "é", "a a-b", "b\u00a0a", "")
_SELECTORS = (
    *("p", "p, .b", ".a", ".a-b", ".A", ".é", "p.a", ".a .b", ".a > p.b", "div.a + p", ".a.b"),
    *("[title]", '[title*="a"]', 'p[title~="b"]', ".a:not(.b)", "#x", "p:first-child", "*"),
)


def _page(rng: random.Random) -> str:
    pieces = []
    for _ in range(rng.randint(1, 12)):
        tag, name = rng.choice(("p", "div", "span")), rng.choice(_PARTS)
        attribute = rng.choice((f'class="{name}"', f'title="{name}"', "id=x", ""))
        pieces.append(rng.choice((f"<{tag} {attribute}>x", f"<{tag} {attribute}>x</{tag}>")))
    return "".join(pieces)


@pytest.mark.parametrize("seed", range(60))
def test_finds_what_the_joined_selectors_find(seed: int) -> None:
    """Of any selectors, in any order, on a tree with any classes."""
    rng = random.Random(seed)
    root = tree.parse(_page(rng))
    selectors = rng.sample(_SELECTORS, rng.randint(0, len(_SELECTORS)))
    found = set(tree.Selectors.of(selectors).select(root, tree.group_by_class(root)))
    assert found == (set(root.select(",".join(selectors))) if selectors else set())


def test_few_selectors_are_run_where_no_class_is_there() -> None:
    """A site's selectors cost two searches, not one for each."""
    selectors = tree.Selectors.of([*(f".c{n}" for n in range(50)), "p.x", "script", "[hidden]"])
    assert [*selectors.others] == ["script", "[hidden]"]
    root = tree.parse("<p class='y'>text")
    assert not list(selectors.select(root, tree.group_by_class(root)))
