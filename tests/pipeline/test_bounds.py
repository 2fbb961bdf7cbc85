"""What one document may cost is bounded by the kernel, whatever its parser does."""

import itertools
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.world import World, article, in_child
from worker.formats.memory import is_out_of_memory
from worker.pipeline import bounds, extract
from worker.pipeline.batch import run as batch_run
from worker.pipeline.bounds import Bounds, limit_memory
from worker.pipeline.context import open_context
from worker.pipeline.feeds import documents as feed_documents
from worker.spool.batch import batch_names, is_postponed

pytestmark = pytest.mark.timeout(120)

SECONDS = 0.4


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    world = World(tmp_path, redis_server.url, **{"limits.document_timeout_seconds": SECONDS})
    world.context = open_context(world.settings, is_bounded=True)
    return world


def spin() -> None:
    while True:
        pass


def spin_in_c() -> None:
    all(itertools.repeat(True))  # it never comes back to the interpreter, which looks for signals


def spin_and_ignore() -> None:
    while True:
        try:
            spin()
        except BaseException:
            continue


LOOPS = {"python": spin, "c": spin_in_c, "ignores exceptions": spin_and_ignore}


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Make an article whose text says `loops` call a function when it is parsed."""

    def install(action: Callable[[], None]) -> None:
        real = extract.parse_document

        def parse(document: Any, context: Any) -> Iterator[Any]:
            if b"loops" in document.data:
                action()
            return real(document, context)

        monkeypatch.setattr(extract, "parse_document", parse)

    return install


def titles(world: World) -> list[str]:
    return sorted(entry["data"]["title"] for entry in world.entries())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_is_ended(loop: str, world: World, deadly: Any) -> None:
    """A document that loops, in Python or C, ends its process; the second time it is refused."""
    deadly(LOOPS[loop])
    world.put("a.md", article("一", "loops"))
    world.put("b.md", article("二"))
    world.scan()
    codes = [in_child(world.drain) for _ in range(3)]
    assert codes == [-signal.SIGPROF, -signal.SIGPROF, 0]
    assert titles(world) == ["二"]
    [refused] = world.context.deps.quarantine
    assert refused.reason == "kills_worker"
    assert world.waiting() == []


def test_a_document_that_waits_forever_is_ended(
    world: World, deadly: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It uses no CPU time: the wall-clock limit ends its process, and the second time it is
    refused."""
    monkeypatch.setattr(bounds, "_WALL_SECONDS", 1)
    deadly(lambda: time.sleep(100))
    world.put("a.md", article("一", "loops"))
    world.scan()

    def drain() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the tests' own timeout has a handler
        world.drain()

    codes = [in_child(drain) for _ in range(3)]
    assert codes == [-signal.SIGALRM, -signal.SIGALRM, 0]
    [refused] = world.context.deps.quarantine
    assert refused.reason == "kills_worker"


def test_a_row_of_loops_costs_the_time_of_one(world: World, deadly: Any) -> None:
    """Of four looping documents one ends its process; the others are probed and wait."""
    deadly(spin)
    for number in range(3):
        world.put(f"a{number}.md", article(f"坏{number}", "loops"))
    world.put("b.md", article("B"))
    world.scan()
    world.put("c.md", article("坏", "loops"))
    world.put("d.md", article("D"))
    world.scan()
    assert in_child(world.drain) == -signal.SIGPROF
    assert in_child(world.drain) == -signal.SIGPROF, "what is bad is tried only at the end"
    assert titles(world) == ["B", "D"]
    root = next(root for root in world.context.roots if batch_names(root))
    assert all(is_postponed(root, name) for name in batch_names(root))
    world.put("e.md", article("E"))
    world.scan()
    in_child(world.drain)
    assert titles(world) == ["B", "D", "E"], "what came later is before it"
    for _ in range(40):
        if not world.waiting():
            break
        in_child(world.drain)
    assert world.waiting() == []
    assert [one.reason for one in world.context.deps.quarantine] == ["kills_worker"] * 4


def test_one_process_at_a_time_tries_the_last(world: World, deadly: Any) -> None:
    """While one process tries a dangerous entry, the others process new batches."""
    deadly(spin)
    world.put("a.md", article("坏", "loops"))
    world.scan()
    assert in_child(world.drain) == -signal.SIGPROF
    with world.context.deps.bounds.exclusive_trial() as is_mine:
        assert is_mine
        for title in ("B", "C"):
            world.put(f"{title}.md", article(title))
            world.scan()
            assert in_child(world.drain) == 0
    assert titles(world) == ["B", "C"]
    assert len(world.waiting()) == 1
    assert in_child(world.drain) == -signal.SIGPROF


def test_a_long_row_costs_others_seconds(tmp_path: Path, redis_server: Server, deadly: Any) -> None:
    """Thirty looping documents delay a good one by 3 s of CPU time; with longer probes it was 12
    s."""
    world = World(tmp_path, redis_server.url)
    world.context = open_context(world.settings, is_bounded=True)
    deadly(spin)
    for number in range(30):
        world.put(f"a{number:02}.md", article(f"坏{number}", "loops"))
    world.put("b.md", article("B"))
    world.scan()
    begin = _cpu_of_children()
    assert in_child(world.drain) == -signal.SIGPROF
    assert titles(world) == []
    assert in_child(world.drain) == -signal.SIGPROF, "the next first try, when B is published"
    assert titles(world) == ["B"]
    assert _cpu_of_children() - begin < 6


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_document_is_probed_once(
    world: World, deadly: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a worker's slice ends between two probes, the next one continues."""
    monkeypatch.setattr(batch_run, "PROBED_AT_ONCE", 1)
    deadly(spin)
    for number in range(6):
        world.put(f"a{number}.md", article(f"坏{number}", "loops"))
    world.put("b.md", article("B"))
    world.scan()
    [(root, name)] = [(root, name) for root in world.context.roots for name in batch_names(root)]
    for _ in range(7):
        world.context.deps.bounds.raise_alert()
        assert in_child(lambda: world.drain(seconds=0.01)) == 0
    assert is_postponed(root, name)
    assert titles(world) == ["B"]


def test_a_file_of_many_has_the_time_of_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit starts again with each article."""
    real = feed_documents.parse_entry

    def slow(*args: Any) -> Iterator[Any]:
        for item in real(*args):
            end = time.process_time() + SECONDS / 8
            while time.process_time() < end:
                pass
            yield item

    monkeypatch.setattr(feed_documents, "parse_entry", slow)
    world.put("many.ndjson", "".join(f'{{"title":"t{n}","content":"x"}}\n' for n in range(12)))
    world.scan()
    assert in_child(world.drain) == 0
    assert len(world.entries()) == 12


def test_commands_are_not_bounded(tmp_path: Path, redis_server: Server) -> None:
    """Only a process that may be ended has the timer: a command would end with it."""
    world = World(tmp_path, redis_server.url)
    assert world.context.deps.bounds.seconds is None
    list(world.context.deps.bounds.each(iter([1]), is_first_try=True))
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


def test_a_probe_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reports quick documents, and is ended where one loops, raises or waits."""
    monkeypatch.setattr(bounds, "_PROBE_WALL_SECONDS", 3)
    one = Bounds(tmp_path / "alert", 5)

    def endless() -> Iterator[int]:
        spin()
        yield 1

    def failing() -> Iterator[int]:
        yield 1 // 0

    def waiting() -> Iterator[int]:
        time.sleep(60)
        yield 1

    documents = [iter([1, 2]), endless(), iter([3]), failing(), waiting(), iter([4])]
    assert one.are_quick(documents) == [True, False, True, False, False, True]


def test_an_entry_that_uses_up_memory_is_counted(world: World, monkeypatch: Any) -> None:
    """Memory that runs out outside the parser counts as an attempt: no third one follows."""

    def exhausted(*_: Any) -> Iterator[Any]:
        raise MemoryError

    monkeypatch.setattr(feed_documents, "parse_entry", exhausted)
    monkeypatch.setattr("worker.pipeline.batch.run.read_entry", exhausted)
    world.put("a.md", article())
    world.scan()
    for _ in range(2):
        with pytest.raises(MemoryError):
            world.drain()
    world.drain()
    assert [one.reason for one in world.context.deps.quarantine] == ["kills_worker"]


# ── memory, in processes of their own ───────────────────────────────────────────────────────────

BODY = "import sys; sys.path.insert(0, sys.argv[1]); from tests.pipeline.test_bounds import *; "


def limited(call: str) -> subprocess.CompletedProcess[str]:
    """A call in a process of its own."""
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", BODY + call, root], capture_output=True, text=True, check=False
    )


def parse_with(megabytes: int, data: bytes) -> None:
    """Parse `data` in so many megabytes more than now, and print what came of it."""
    from zoneinfo import ZoneInfo

    from worker.errors import Rejected
    from worker.formats import ParseContext, parse_document
    from worker.model import Document, Profile
    from worker.settings import Limits
    from worker.sites import load_sites

    zone = ZoneInfo("UTC")
    context = ParseContext(Profile("x", zone, zone), load_sites([]), Limits())
    limit_memory(megabytes)
    try:
        for _ in parse_document(Document(data), context):
            pass
        print("parsed")
    except Exception as error:
        is_refused = is_out_of_memory(error) or isinstance(error, Rejected)
        print("refused" if is_refused else repr(error), getattr(error, "reason", "too_large"))
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000)


HEAVY = {
    "json objects": "b'[' + b'{},' * 5_000_000 + b'{}]'",
    "json string": """b'{"title": "' + b'x' * 30_000_000 + b'"}'""",
    "feed": "b'<rss><channel><item>' + b'<x/>' * 7_000_000 + b'</item></channel></rss>'",
    "sitemap": "b'<urlset>' + b'<url/>' * 4_000_000 + b'</urlset>'",
}


@pytest.mark.parametrize("name", HEAVY)
def test_memory_that_runs_out_is_a_refusal(name: str) -> None:
    """A failed allocation refuses the input as too large; a library that aborts counts as an
    attempt."""
    done = limited(f"parse_with(45, {HEAVY[name]})")
    if done.returncode not in (-signal.SIGABRT, -signal.SIGSEGV):
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("refused too_large"), done.stdout


def test_the_limit_on_memory_holds() -> None:
    """Beyond `limits.memory_mb` an allocation fails; below it, none does."""
    done = limited("limit_memory(100); a = bytearray(80_000_000); print(1); bytearray(80_000_000)")
    assert done.stdout == "1\n"
    assert "MemoryError" in done.stderr


def test_a_tree_that_does_not_fit_is_not_taken_for_a_broken_feed() -> None:
    """libxml2 calls it an unknown error: the feed would be repaired, and refused as broken."""
    done = limited(
        "from worker.formats.feed.tree import strict_root\n"
        "data = b'<rss>' + b'<item><title>A title</title></item>' * 200_000 + b'</rss>'\n"
        "limit_memory(30)\n"
        "try: print(strict_root(data))\n"
        "except Exception as error: print(error)"
    )
    assert "limits.memory_mb" in done.stdout, done


def test_allocation_errors_of_each_library_are_recognised() -> None:
    """Their messages are distinguished from those about bad input."""
    import orjson
    import zstandard
    from lxml import etree

    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(OSError(12, "Cannot allocate memory"))
    assert is_out_of_memory(zstandard.ZstdError("Allocation error : not enough memory"))
    message = "Not enough memory to allocate buffer for parsing"
    assert is_out_of_memory(orjson.JSONDecodeError(message, "", 0))
    assert is_out_of_memory(etree.XMLSyntaxError("unknown error", 2, 0, 0))
    assert not is_out_of_memory(etree.XMLSyntaxError("StartTag: invalid element name", 68, 1, 2))
    assert not is_out_of_memory(ValueError("out of memory"))  # an article's own words
    assert not is_out_of_memory(OSError(5, "Input/output error"))
