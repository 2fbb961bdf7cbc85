"""The figures of the status page: how soon it answers, and what its readers cost.

`newsdrop web` as a user runs it. The overview is asked with 200,000 articles in the index, 10,000
jobs and 100,000 files that wait, the list of articles with as many in the read model; what the read
model, 50 open pages and a Prometheus cost is the rate of new articles with them, by the rate
without, in turns of some seconds. All of it needs about six minutes on two free cores.
"""

import itertools
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.crowd import ask
from bench.figure import Figure, below, measured, milliseconds, nbytes
from bench.index_memory import fill
from bench.ours import settings_of
from bench.place import Place, place, running, wait_until
from bench.turns import SECONDS, Switch, Turns, working
from worker.model.times import rfc3339_from_ms
from worker.readmodel.database import open_writer, search_dir
from worker.readmodel.decision import ARTICLE, DecisionRow
from worker.readmodel.writer import ReadModelWriter
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOptions
from worker.sources.enqueue import enqueue as claim_all
from worker.spool.claim import AcceptedLog
from worker.spool.layout import batch_name, manual_root
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind

INDEXED, JOBS, FILES = 200_000, 10_000, 100_000
ASKED = 150
PAGES = 50
SCRAPE_SECONDS = 5.0
PAIRS = 8
"""Pairs of turns with and without; half as many of those that are twice as long."""
FILTERS = (
    *("/articles?source=source-3", "/articles?tag=tag+777", "/articles?date=2011"),
    *("/articles?outcome=duplicate&tag=tag+10", "/articles?source=source-3&tag=tag+4"),
    *(
        "/articles?q=%E6%B8%AF",
        "/articles?q=%E6%B8%AF%E5%8F%A3",
        "/articles?q=%E4%B8%8D%E5%9C%A8&tag=tag+9",
    ),
    *(
        "/articles?outcome=any",
        "/articles?source=nobody",
        "/articles?q=%E6%B8%AF%E5%8F%A3%E5%BC%80%E6%94%BE",
    ),
)
"""Frequent and rare facets, alone and together; words of one, two and four characters."""
TEXT = 300
"""Characters of an article: the summary of most feeds, or a short report."""
_EVERY = 0.03  # seconds between two requests, about: many of them find a new second


def web(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` uses a tenth of the data, and two turns."""
    return [*_answers(quick, say), *_costs(quick, say)]


def _answers(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    part = 10 if quick else 1
    indexed, jobs, files = INDEXED // part, JOBS // part, FILES // part
    say(f"web: {indexed:,} articles, {jobs:,} jobs, {files:,} waiting files")
    with place() as here:
        settings = settings_of(here)
        fill(here.client, indexed)
        _make_jobs(settings, jobs)
        _make_waiting(settings, here.folder / "files", files)
        _fill_read_model(settings, indexed)
        with _web(here) as port:
            for path, name in (("/", "overview"), ("/jobs", "jobs"), ("/metrics", "metrics")):
                taken = sorted(_ask_often(port, path, ASKED // part))
                p95 = taken[int(len(taken) * 0.95)]
                most = 50 if path == "/" else 1000
                title = f"{name} answered, p95, at {indexed:,} articles, {files:,} waiting files"
                yield below(title, p95 * 1000, most, milliseconds)
            taken = sorted(time for path in FILTERS for time in _ask_often(port, path, 20 // part))
            p95 = taken[int(len(taken) * 0.95)]
            title = f"articles with a filter, p95, at {indexed:,} articles"
            yield below(title, p95 * 1000, 150, milliseconds)
            files_of_model = search_dir(settings.state_dir).glob("*.sqlite*")
            octets = sum(file.stat().st_size for file in files_of_model) / indexed
            title = f"read model: bytes an article of {TEXT} characters, at {indexed:,} articles"
            yield measured(title, octets, nbytes)


def _ask_often(port: int, path: str, times: int) -> Iterator[float]:
    pauses = random.Random(1)
    ask(port, path)
    for _ in range(times):
        time.sleep(pauses.uniform(0, 2 * _EVERY))
        yield ask(port, path)[0]


def _costs(quick: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    pairs = 2 if quick else PAIRS
    with working() as work:
        say(f"web: {pairs} turns each without and with the read model")
        with _read_model_switch(work.here) as switch:
            yield _cost("the read model", 0.02, work.measure(pairs, switch))
        scraped = f"metrics and status, asked every {SCRAPE_SECONDS:.0f} s"
        for what, most, pages, every, count in (
            (f"{PAGES} open pages", 0.05, PAGES, 0.0, pairs),
            (scraped, 0.02, 0, SCRAPE_SECONDS, max(2, pairs // 2)),  # once in each turn
        ):
            say(f"web: {count} turns each without and with {what}")
            port = _free_port()
            with (
                running(*_web_command(work.here, port)) as process,
                _crowd(work.here, port, pages, every) as crowd,
            ):
                with _stoppable(process, crowd) as switch:
                    turns = work.measure(count, switch, (process, crowd), every or SECONDS)
                yield _cost(what, most, turns, "page", "readers")


def _cost(what: str, most: float, turns: Turns, *watched: str) -> Figure:
    """The CPU shows the cost on a machine that does other work, too, where the rate does not."""
    ingesting, *others = turns.cpu_ms(on=True)
    parts = {
        "articles/s": turns.rate(on=True),
        "without": turns.rate(on=False),
        "standard error, %": turns.error * 100,
        "CPU ms an article": ingesting,
        "without it": turns.cpu_ms(on=False)[0],
        **{f"CPU ms of the {name}": ms for name, ms in zip(watched, others, strict=True)},
    }
    return below(f"{what}: share of new articles/s", turns.share, most, _percent, parts)


@contextmanager
def _read_model_switch(here: Place) -> Iterator[Switch]:
    """Off: this process holds the lock of the read model, to which nothing is added."""
    with ExitStack() as held:

        def switch(is_on: bool) -> None:
            held.close()
            if not is_on:
                lock = lambda: held.enter_context(open_writer(here.state_dir)) is not None  # noqa: E731
                wait_until(lock)

        yield switch


@contextmanager
def _stoppable(*processes: psutil.Process) -> Iterator[Switch]:
    """Off: the processes are stopped; at the end they continue, because they have to end."""

    def switch(is_on: bool) -> None:
        for process in processes:
            (process.resume if is_on else process.suspend)()

    try:
        yield switch
    finally:
        switch(True)


def _make_jobs(settings: Settings, count: int) -> None:
    store = job_store(settings)
    now = int(utc_now().timestamp() * 1000)
    for number in range(count):
        job = f"enqueue-bench-{number:06}"
        store.open(Job(job, JobKind.ENQUEUE, MANUAL, f"folder {number}", now - number))
        store.add_files(job, 1)


def _make_waiting(settings: Settings, folder: Path, count: int) -> None:
    """Files of one line each, claimed into batches that no worker takes."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.md").write_bytes(b"---\ntitle: %d\n---\n\nText.\n" % number)
    root = manual_root(settings)
    root.prepare()
    wish = EnqueueOptions(MANUAL, "enqueue-bench-000000", move=True)
    accepted = AcceptedLog(settings.state_dir)
    for _ in claim_all([folder], root, settings.spool, accepted, wish, now=utc_now):
        pass


def _fill_read_model(settings: Settings, count: int) -> None:
    """Decisions about articles of TEXT characters, four of five published, in batches of 100."""
    words, now = random.Random(2), utc_now()
    vocabulary = _vocabulary(words)
    with open_writer(settings.state_dir, rebuild=True) as db:
        assert db is not None
        writer = ReadModelWriter(db)
        for first in range(0, count, 100):
            batch = batch_name(now + timedelta(seconds=first), MANUAL)
            writer.add(
                batch,
                [_decision(words, vocabulary, number) for number in range(first, first + 100)],
            )
        writer.set_state(missing=0, at=time.time())


Vocabulary = tuple[list[str], list[float]]


def _vocabulary(choose: random.Random) -> Vocabulary:
    """20,000 words of one to four characters, and how frequent each is, summed up: as in a language
    the n-th word is n times as rare as the first. The words of FILTERS are frequent and rare."""
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 1500)))
    lengths = choose.choices((1, 2, 3, 4), (2, 6, 1, 1), k=20_000)
    words = ["".join(choose.choices(characters, k=length)) for length in lengths]
    words[10], words[200], words[3_000], words[30] = "不在", "港口", "开放", "港"
    return words, list(itertools.accumulate(1 / (number + 3) for number in range(len(words))))


def _decision(choose: random.Random, vocabulary: Vocabulary, number: int) -> DecisionRow:
    words, frequencies = vocabulary
    text = "".join(choose.choices(words, cum_weights=frequencies, k=TEXT // 2 + 10))[:TEXT]
    status = "duplicate" if number % 5 == 0 else "published"
    tag, source, year = f"tag {number % 1000}", f"source-{number % 20}", str(2000 + number % 25)
    facets = {("tag", tag), ("source", source), ("date", year), ("outcome", status)}
    if status == "published":
        facets.add(("outcome", ARTICLE))
    return DecisionRow(
        article=f"{year}0102-{number:024x}",
        status=status,
        title=text[:20],
        date=f"{year}-01-02",
        source=source,
        at=rfc3339_from_ms(1_700_000_000_000 + number),
        stream_id=None,
        revision=1,
        url=None,
        language="zh",
        word_count=TEXT,
        path=f"{number}.md",
        quarantine=None,
        facets=frozenset(facets),
        folded=text,
        story=None,
        near_duplicate_of=None,
        similarity=None,
    )


@contextmanager
def _web(here: Place) -> Iterator[int]:
    port = _free_port()
    with running(*_web_command(here, port)):
        wait_until(lambda: _is_up(port), within=60)
        yield port


def _web_command(here: Place, port: int) -> tuple[list[str], dict[str, str], Path]:
    environment = {"NEWSDROP_STATE_DIR": str(here.state_dir), "NEWSDROP_REDIS_URL": here.url}
    command = [sys.executable, "-m", "worker.cli", "web", "--port", str(port)]
    return command, environment, here.folder / "web.log"


@contextmanager
def _crowd(here: Place, port: int, pages: int, every: float) -> Iterator[psutil.Process]:
    log = here.folder / "crowd.log"
    command = [sys.executable, "-m", "bench.crowd", str(port), str(pages), str(every)]
    wait_until(lambda: _is_up(port), within=60)
    with running(command, {}, log) as crowd:
        wait_until(lambda: b"open" in log.read_bytes(), within=60)
        yield crowd


def _is_up(port: int) -> bool:
    try:
        ask(port, "/livez")
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _percent(value: float) -> str:
    return f"{value * 100:.1f} %"
