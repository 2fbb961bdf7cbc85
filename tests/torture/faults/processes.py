"""Worker, pool and beat are killed and suspended, and the queue is emptied."""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil

from tests.torture.field import Field, kill_hard, server, wait_for
from tests.torture.news import Writer
from tests.torture.oracle import files_left
from tests.torture.round import Round
from tests.torture.service import Service
from worker.taskqueue.celery_app import INGEST_QUEUE, QUEUE, queue_name


def kills(round_: Round) -> None:
    """A pool process, a worker or beat, every second or so, while files arrive."""
    with server() as redis, (field := Field(round_, redis)).service() as service:
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.1, 1.5))
                _kill_one(service, round_)
        field.finish()


def kills_after_publishing(round_: Round) -> None:
    """The whole worker, as soon as the stream has grown: its journal may lack the outcome."""
    with server() as redis, (field := Field(round_, redis)).service() as service:
        client = redis.client()
        stream = field.world.settings.stream.name
        with Writer(field.news):
            while not round_.is_over or not round_.happened:
                before, pool = client.xlen(stream), service.pool()
                if not _has_grown(lambda before=before: client.xlen(stream) > before):
                    break
                _kill_worker(service, pool, round_)
                wait_for(lambda: service.main("worker"), 10)
        field.news.write(100)
        _kill_worker(service, service.pool(), round_)
        while files_left(field.world):
            field.world.scan()  # claimed, without a wake-up
        client.delete(*_queues(field))
        field.finish()


def suspends(round_: Round) -> None:
    """One process is suspended for up to 4 s."""
    with server() as redis, (field := Field(round_, redis)).service() as service:
        with Writer(field.news):
            while not round_.is_over:
                mains = [service.main("worker"), service.main("beat")]
                processes = [p for p in (*service.pool(), *mains) if p]
                process = round_.random.choice(processes)
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
                    stopped = wait_for(lambda p=process: p.status() == psutil.STATUS_STOPPED, 10)
                    round_.happened["processes stopped"] += stopped
                    time.sleep(round_.random.uniform(0.5, 4))
                    process.resume()
        field.finish()


def queue_emptied(round_: Round) -> None:
    """Every key of the broker is deleted, repeatedly, and its messages with it."""
    with server() as redis, (field := Field(round_, redis)).service():
        client = redis.client()
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.01, 0.2))
                queue, ingest_queue = _queues(field)
                with client.pipeline() as pipe:
                    pipe.llen(queue).llen(ingest_queue)  # type: ignore[attr-defined]
                    pipe.delete(queue, ingest_queue)
                    first, second, _ = pipe.execute()
                round_.happened["messages deleted"] += first + second
        field.finish()


def _queues(field: Field) -> list[str]:
    return [queue_name(queue, field.state) for queue in (QUEUE, INGEST_QUEUE)]


def _has_grown(is_longer: Callable[[], bool]) -> bool:
    """Called without a pause: the kill must come before the journal's next line."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if is_longer():
            return True
    return False


def _kill_one(service: Service, round_: Round) -> None:
    kind = round_.random.choice(["pool", "pool", "pool", "worker", "beat", "all"])
    if kind == "pool":
        if pool := service.pool():
            kill_hard(round_.random.choice(pool), round_, "pool processes")
    elif kind == "all":
        _kill_worker(service, service.pool(), round_)
    elif process := service.main(kind):
        kill_hard(process, round_, f"{kind} mains")
    wait_for(lambda: service.main("worker"), 10)


def _kill_worker(service: Service, pool: Sequence[psutil.Process], round_: Round) -> None:
    """The pool first, all at once, whatever it is doing."""
    for process in pool:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    round_.happened["pool processes killed"] += len(psutil.wait_procs(pool, timeout=10)[0])
    if main := service.main("worker"):
        kill_hard(main, round_, "worker mains")
