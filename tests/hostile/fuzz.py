"""`make fuzz`: inputs changed at random, for a bounded time.

Each input is made from the seed and its number alone, so that what failed is made again:
`python -m tests.hostile.fuzz --seed SEED --only NUMBER`. An input may be refused or read; a bug, a
record that is not clean, a process that is ended or has a gigabyte is a failure.
"""

import argparse
import os
import random
import secrets
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.formats.test_archive import PACKERS, tar, zipped
from tests.hostile.cases import cases
from tests.hostile.running import MEMORY_MB, SECONDS, check_record, is_clean, reader, warm_up
from worker.errors import Rejected
from worker.formats import sniff
from worker.normalize.dates.parser import parse_date
from worker.normalize.title import fold
from worker.pipeline.bounds import limit_memory
from worker.pipeline.extract import ParsedArticle, parse_entry
from worker.spool.manifest import Entry

GOLDEN = Path(__file__).parents[1] / "golden"
_CHUNK = 50
_LARGEST = 20_000
_TOKENS = (
    *(b"<", b">", b"&", b"&#x", b"<![CDATA[", b"]]>", b"<!--", b"<item>", b"</item>", b"<div>"),
    *(b"---\n", b"+++\n", b"title: ", b"date: ", b"[", b"]", b"{", b"}", b'"', b"'", b"\\u", b"*a"),
    *(
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\r\n",
        b"\xe3\x80\x80",
        b"2021-11-26",
        b"+08:00",
        b"9" * 30,
    ),
)


def mutated(chance: random.Random, data: bytes) -> bytes:
    """`data` with a few random changes."""
    changed = bytearray(data[:_LARGEST])
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(changed))
        end = at + chance.choice((0, 1, 4, 40, 400))
        kind = chance.randrange(5)
        if kind == 0:
            changed[at:end] = b""
        elif kind == 1:
            changed[at:at] = chance.choice(_TOKENS) * chance.choice((1, 1, 2, 1000))
        elif kind == 2:
            changed[at:at] = changed[at:end] * chance.choice((1, 2, 50))
        elif kind == 3 and at < len(changed):
            changed[at] = chance.randrange(256)
        else:
            changed[at:end] = chance.randbytes(end - at)
    return bytes(changed[:_LARGEST])


def _parse(data: bytes) -> str:
    result = "nothing"
    for item in parse_entry(reader(), Entry(0, "x"), data):
        if isinstance(item, ParsedArticle):
            check_record(item.normalized.article)
            result = "read"
        else:
            assert item.reason != "internal", item.message
            assert is_clean(item.message)
            result = str(item.reason)
    return result


def _sniff(data: bytes) -> str:
    try:
        return sniff(data)
    except Rejected as error:
        return str(error.reason)


def _head(data: bytes) -> str:
    return _parse(b"---\ntitle: x\n" + data + b"\n---\ny")


def _body(data: bytes) -> str:
    return _parse(b"---\ntitle: x\n---\n<div>" + data)


def _date(data: bytes) -> str:
    found = parse_date(data[:400].decode("utf-8", "replace"), ZoneInfo("Asia/Shanghai"))
    return "none" if found is None else found.precision


def _title(data: bytes) -> str:
    text = data[:2000].decode("utf-8", "surrogatepass" if data.isascii() else "replace")
    assert fold(fold(text)) == fold(text)
    return "folded"


def _archive(chance: random.Random, data: bytes) -> str:
    packed = tar(("a", data)) if chance.random() < 0.5 else zipped(("a", data), ("b", data))
    if chance.random() < 0.5:
        packed = PACKERS[chance.choice(sorted(PACKERS))](packed)
    return _parse(mutated(chance, packed))


TARGETS: dict[str, Callable[[random.Random, bytes], str]] = {
    "sniffing": lambda _, data: _sniff(data),
    "documents": lambda _, data: _parse(data),
    "heads": lambda _, data: _head(data),
    "dates": lambda _, data: _date(data),
    "titles": lambda _, data: _title(data),
    "bodies": lambda _, data: _body(data),
    "archives": _archive,
}


def corpus() -> list[bytes]:
    """The golden inputs, and the small hostile ones."""
    golden = [path.read_bytes() for path in sorted(GOLDEN.glob("*/*.in"))]
    quick = ("dates", "injection", "files", "yaml")
    hostile = [
        case for case in cases() if case.name.startswith(quick) and "more than" not in case.name
    ]
    small = [data for case in hostile if len(data := case.data()) < _LARGEST]
    return [*golden, *small]


def try_one(seed: int, number: int, seeds: Sequence[bytes]) -> str:
    """Input `number` and its result. Raises whatever is a bug."""
    chance = random.Random(f"{seed}:{number}")
    name = chance.choice(sorted(TARGETS))
    return f"{name} {TARGETS[name](chance, mutated(chance, chance.choice(seeds)))}"


def _run_chunk(seed: int, numbers: range, seeds: Sequence[bytes], to_parent: int) -> None:
    limit_memory(MEMORY_MB)
    for number in numbers:
        os.write(to_parent, f"\n{number} ".encode())
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            answer = try_one(seed, number, seeds)
        except BaseException as error:
            answer = f"FAILED {error!r}"[:300].replace("\n", " ")
        os.write(to_parent, answer.encode("utf-8", "replace"))


def run_chunk(seed: int, numbers: range, seeds: Sequence[bytes]) -> list[tuple[int, str]]:
    """Run the inputs `numbers` in a bounded process, which the last one may have ended."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _run_chunk(seed, numbers, seeds, to_parent)
        finally:
            os._exit(0)
    os.close(to_parent)
    with os.fdopen(from_child, "rb") as stream:
        lines = stream.read().decode("utf-8", "replace").split("\n")[1:]
    _, status, usage = os.wait4(child, 0)
    results = [(int(number), rest) for number, _, rest in (line.partition(" ") for line in lines)]
    if os.WIFSIGNALED(status):
        results[-1] = (results[-1][0], f"FAILED ended by signal {os.WTERMSIG(status)}")
    elif usage.ru_maxrss > 1_000_000:
        results[-1] = (results[-1][0], f"FAILED or one before it: {usage.ru_maxrss} KiB")
    return results


def fuzz(seed: int, seconds: float) -> tuple[Counter[str], list[tuple[int, str]]]:
    """How often each result occurred within `seconds`, and the failures."""
    seeds, counts, failures = corpus(), Counter[str](), list[tuple[int, str]]()
    end, start = time.monotonic() + seconds, 0
    while time.monotonic() < end and len(failures) < 20:
        results = run_chunk(seed, range(start, start + _CHUNK), seeds)
        for number, answer in results:
            if answer.startswith("FAILED"):
                failures.append((number, answer))
            else:
                counts[answer] += 1
        start = results[-1][0] + 1
    return counts, failures


def main() -> int:
    """Run, and print the seed, a table, and how to reproduce each failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", type=int, help="make this input again, in this process")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    warnings.simplefilter("ignore")  # bs4 warns of XML that looks like HTML
    warm_up()
    if chosen.only is not None:
        print(try_one(chosen.seed, chosen.only, corpus()))
        return 0
    counts, failures = fuzz(chosen.seed, chosen.seconds)
    for result, count in sorted(counts.items()):
        print(f"{count:8,} {result}")
    print(f"{counts.total():8,} inputs, {len(failures)} failures")
    for number, answer in failures:
        print(f"{answer}: python -m tests.hostile.fuzz --seed {chosen.seed} --only {number}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
