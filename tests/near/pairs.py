"""The pairs: 680 with a fixed seed, half of them Chinese, each with its class and its label.

The labels were written before anything was tuned. Pairs with an even number are for tuning, the
others are held out.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from tests.near.words import CHINESE, ENGLISH, SHARED, Words

SEED = 20211126
PER_CLASS = 40


@dataclass(frozen=True)
class Pair:
    """Two texts, in the order in which they come; `same` if they tell one story."""

    number: int
    language: str
    kind: str
    first: str
    second: str
    same: bool

    @property
    def is_held_out(self) -> bool:
        return self.number % 2 == 1


def pairs() -> Iterator[Pair]:
    """All pairs, always the same."""
    number = 0
    for language, words in (("zh", CHINESE), ("en", ENGLISH)):
        for kind, (same, make) in KINDS.items():
            if kind == "script" and language != "zh":
                continue
            for _ in range(PER_CLASS):
                writer = Writer(random.Random(f"{SEED} {number}"), language, words)
                yield Pair(number, language, kind, *make(writer), same)
                number += 1


class Writer:
    """Writes articles of one event."""

    def __init__(self, rng: random.Random, language: str, words: Words) -> None:
        self.rng, self.words = rng, words
        self.lists = {**words.lists, **SHARED[language]}
        self.facts = {
            name: rng.sample(self.lists[name], 2) for name in ("place", "firm", "person", "thing")
        }
        self.numbers = [
            str(rng.choice((rng.randint(3, 99), rng.randint(100, 9000)))) for _ in "12345678"
        ]

    def fill(self, pattern: str, of_event: float = 0.8) -> str:
        """A pattern with words, mostly those of the event."""
        values: dict[str, Callable[[], str]] = {
            "number": lambda: (
                self.rng.choice(self.numbers) if of_event else str(self.rng.randint(12, 9000))
            ),
            "year": lambda: str(self.rng.randint(1996, 2024)),
            "month": lambda: str(self.rng.randint(1, 12)),
            "day": lambda: str(self.rng.randint(1, 28)),
            "digit": lambda: str(self.rng.randint(1, 9)),
            "percent": lambda: f"{self.rng.uniform(0.1, 90):.2f}",
            "index": lambda: f"{self.rng.uniform(1000, 16000):.2f}",
            "rate": lambda: f"{self.rng.uniform(0.8, 9):.4f}",
            "code": lambda: f"{self.rng.randint(0, 699999):06d}",
        }

        def word(match: re.Match[str]) -> str:
            name = match[1]
            if name in values:
                return values[name]()
            is_fact = name in self.facts and self.rng.random() < of_event
            return self.rng.choice(self.facts[name] if is_fact else self.lists[name])

        return re.sub(r"\{(\w+)\}", word, pattern)

    def sentences(self, count: int) -> list[str]:
        order = self.rng.choices(self.words.sentences, k=count)
        return [self.fill(pattern) for pattern in order]

    def article(self) -> list[str]:
        """Sentences: 8 to 30, and up to two quotations."""
        found = self.sentences(self.rng.randint(8, 30))
        for quote in self.rng.sample(self.words.quotes, self.rng.randint(0, 2)):
            found.insert(self.rng.randint(2, len(found)), self.fill(quote))
        return found

    def text(self, sentences: list[str]) -> str:
        """Paragraphs of one to four sentences."""
        paragraphs, at = [], 0
        while at < len(sentences):
            size = self.rng.randint(1, 4)
            paragraphs.append(self.words.joint.join(sentences[at : at + size]))
            at += size
        return "\n".join(paragraphs)

    def with_head(self, text: str) -> str:
        return self.fill(self.rng.choice(self.words.datelines), 0.5) + text

    def edited(self, sentences: list[str], share: float) -> list[str]:
        """A share of the sentences is written anew, dropped, or has another word."""
        out = []
        for sentence in sentences:
            if self.rng.random() >= share:
                out.append(sentence)
                continue
            how = self.rng.random()
            if how < 0.35:
                out += self.sentences(1)
            elif how < 0.85:
                out.append(self._reworded(sentence))
        return out

    def _reworded(self, sentence: str) -> str:
        for name in self.rng.sample(("view", "time", "mood", "way", "verb", "place"), 6):
            for word in self.lists[name]:
                if word in sentence:
                    return sentence.replace(word, self.rng.choice(self.lists[name]), 1)
        return sentence


def edit(writer: Writer) -> tuple[str, str]:
    article = writer.article()
    return writer.text(article), writer.text(writer.edited(article, writer.rng.uniform(0.1, 0.35)))


def reprint(writer: Writer) -> tuple[str, str]:
    """Another head line, dateline, signs and footer around the same text."""
    text = writer.text(writer.article())
    other = writer.with_head(text) + "\n" + writer.fill(writer.rng.choice(writer.words.footers), 0)
    if writer.rng.random() < 0.5:
        other = other.translate(str.maketrans('“”，：（）"', "「」,:()'"))
    if writer.rng.random() < 0.4:
        other = "\n".join(writer.words.joint.join((writer.sentences(1)[0], other)).split("\n"))
    return writer.with_head(text), other


def cut(writer: Writer) -> tuple[str, str]:
    """The beginning of a wire story, a quarter to two thirds of it, as it is or a little edited."""
    article = writer.article() + writer.sentences(6)
    count = max(5, round(len(article) * writer.rng.uniform(0.25, 0.66)))
    short = writer.edited(article[:count], writer.rng.choice((0, 0, 0.1)))
    texts = (
        writer.with_head(writer.text(article)),
        writer.with_head(writer.text(short) + writer.words.more),
    )
    return texts if writer.rng.random() < 0.5 else texts[::-1]


def local(writer: Writer) -> tuple[str, str]:
    """One to three paragraphs about another place, before, within or behind the wire story."""
    article = writer.article()
    other = Writer(writer.rng, "zh" if writer.words is CHINESE else "en", writer.words)
    added = [
        other.words.joint.join(other.sentences(writer.rng.randint(2, 4)))
        for _ in range(writer.rng.randint(1, 3))
    ]
    paragraphs = writer.text(article).split("\n")
    at = writer.rng.choice((0, len(paragraphs) // 2, len(paragraphs)))
    return writer.text(article), "\n".join([*paragraphs[:at], *added, *paragraphs[at:]])


def script(writer: Writer) -> tuple[str, str]:
    """The same in traditional characters, with the signs that go with them."""
    article = writer.article()
    other = writer.edited(article, writer.rng.choice((0, 0, 0.1)))
    text = writer.text(other).translate(_traditional())
    return writer.text(article), text.translate(str.maketrans("“”", "「」"))


def same_event(writer: Writer) -> tuple[str, str]:
    """Two articles of one event: names, numbers and a quotation agree, the sentences do not."""
    quote = writer.fill(writer.words.quotes[0])
    first, second = writer.article(), writer.article()
    first.insert(3, quote)
    second.insert(5, quote)
    return writer.with_head(writer.text(first)), writer.with_head(writer.text(second))


def series(writer: Writer) -> tuple[str, str]:
    """Two of a series: the same words with other numbers, and names or not."""
    pattern = writer.rng.choice(writer.words.series)
    head = writer.rng.random() < 0.3
    found = []
    for _ in range(2):
        of_event = writer.rng.choice((1.0, 0.0)) if head else 1.0
        writer.numbers = [str(writer.rng.randint(12, 9000)) for _ in range(9)]
        found.append(writer.fill(pattern, of_event))
    return found[0], found[1]


def topic(writer: Writer) -> tuple[str, str]:
    """Two events with some names in common, in one outlet with one footer."""
    footer = writer.fill(writer.words.footers[0], 0)
    first = writer.text(writer.article())
    other = Writer(writer.rng, "zh" if writer.words is CHINESE else "en", writer.words)
    other.facts["place"] = writer.facts["place"]
    return f"{first}\n{footer}", f"{other.text(other.article())}\n{footer}"


def short(writer: Writer) -> tuple[str, str]:
    """Captions and flashes: too short to tell a story from another."""
    pattern = writer.rng.choice(writer.words.sentences)
    return writer.fill(pattern), writer.fill(pattern)


KINDS: dict[str, tuple[bool, Callable[[Writer], tuple[str, str]]]] = {
    "edit": (True, edit),
    "reprint": (True, reprint),
    "cut": (True, cut),
    "local": (True, local),
    "script": (True, script),
    "same event": (False, same_event),
    "series": (False, series),
    "topic": (False, topic),
    "short": (False, short),
}


@cache
def _traditional() -> dict[int, str]:
    """Simplified characters to traditional ones, the usual one of each."""
    file = resources.files("opencc").joinpath("dictionary", "STCharacters.txt")
    rows = (line.split() for line in file.read_text("utf-8").splitlines())
    return {ord(row[0]): row[1] for row in rows if len(row) > 1 and len(row[0]) == 1}


def with_errors(text: str, share: float, seed: int) -> str:
    """`text` with a share of its characters replaced by others, as OCR does."""
    rng = random.Random(seed)
    letters = [char for char in text if char.isalnum()] or ["x"]
    return "".join(
        rng.choice(letters) if char.isalnum() and rng.random() < share else char for char in text
    )
