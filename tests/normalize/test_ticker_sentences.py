"""Securities in sentences of financial news: the share that is found, and that is right."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from worker.normalize.tickers.text import in_text

SENTENCES = Path(__file__).with_name("ticker_sentences.txt")


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    symbols: frozenset[str]


def sentences() -> dict[str, list[Sentence]]:
    """The halves of the file: those that rules were tuned on, and those that were frozen before."""
    halves: dict[str, list[Sentence]] = {"tuning": [], "frozen": []}
    half = ""
    for line in SENTENCES.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("#"):
            half = line[2:]
            continue
        symbols, text = line.split("\t")
        halves[half].append(Sentence(text, frozenset(symbols.split()) - {"-"}))
    return halves


@pytest.mark.parametrize("half", ["tuning", "frozen"])
def test_precision_and_recall(half: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of what is named 97 % are found, and of what is found 97 % are named."""
    right = wrong = missed = 0
    examples: list[str] = []
    for sentence in sentences()[half]:
        found = {ticker.symbol for ticker in in_text(sentence.text)}
        right += len(found & sentence.symbols)
        wrong += len(found - sentence.symbols)
        missed += len(sentence.symbols - found)
        if found != sentence.symbols:
            examples.append(f"{sorted(sentence.symbols)} {sorted(found)} {sentence.text}")
    precision, recall = right / (right + wrong), right / (right + missed)
    with capsys.disabled():
        print(f"\n{half}: {right} right, precision {precision:.3f}, recall {recall:.3f}")
    assert min(precision, recall) >= 0.97, "\n".join(examples)


def test_a_text_without_candidates_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prefilter refuses a text of years and short words before any pattern is tried."""
    monkeypatch.setattr("worker.normalize.tickers.text._in_brackets", pytest.fail)
    assert not list(in_text("2021年（辛丑年）的产量上升（同比增长），The port (old) is shut."))


def test_the_set_is_large_enough() -> None:
    """Each half has 58 sentences or more, a quarter of them without a security."""
    for half in sentences().values():
        assert len(half) >= 58
        assert sum(not sentence.symbols for sentence in half) * 4 >= len(half)
