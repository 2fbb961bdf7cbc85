"""The server is killed, loses its last second, is frozen, full, emptied, or fails over to a
replica."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import psutil

from tests.servers import clean_environment
from tests.torture.faults.power import append_only_file
from tests.torture.field import Field, server, wait_for
from tests.torture.news import News, Writer
from tests.torture.oracle import examine, is_done
from tests.torture.round import Round
from tests.torture.service import PROJECT
from tests.world import World, in_child
from worker.pipeline.recover import recover
from worker.spool.journal import Journal
from worker.spool.layout import register_root

EVERY_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")
RECORD = re.compile(rb"\*\d+\r\n\$")


def killed(round_: Round) -> None:
    """kill -9 of the server, repeatedly; all that it answered is on its disk."""
    with server() as redis, (field := Field(round_, redis)).service():
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.5, 2))
                redis.kill()
                round_.happened["servers killed"] += 1
                time.sleep(round_.random.uniform(0, 1))
                redis.start()
        field.finish()


def frozen(round_: Round) -> None:
    """SIGSTOP of the server for up to 12 s, longer than a client waits for a reply (10 s)."""
    with server() as redis, (field := Field(round_, redis)).service():
        assert redis.process is not None
        process = psutil.Process(redis.process.pid)
        with Writer(field.news):
            while not round_.is_over:
                process.suspend()
                stopped = wait_for(lambda: process.status() == psutil.STATUS_STOPPED, 10)
                round_.happened["servers stopped"] += stopped
                time.sleep(round_.random.choice([1, 3, 12]))
                process.resume()
                time.sleep(round_.random.uniform(0.2, 1))
        field.finish()


def full(round_: Round) -> None:
    """`maxmemory` below the used memory: every write is refused until there is room again."""
    with server() as redis, (field := Field(round_, redis)).service():
        client = redis.client()
        with Writer(field.news):
            while not round_.is_over:
                client.config_set("maxmemory", "1mb")
                time.sleep(round_.random.uniform(0.5, 2))
                client.config_set("maxmemory", "0")
                time.sleep(round_.random.uniform(0.2, 1))
        errors = client.info("errorstats")
        round_.happened["writes refused"] += errors.get("errorstat_OOM", {"count": 0})["count"]
        field.finish()


def emptied(round_: Round) -> None:
    """FLUSHALL in the middle of the work, then `newsdrop replay`."""
    with server() as redis, (field := Field(round_, redis)).service():
        client = redis.client()
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.5, 2))
                round_.happened["entries deleted"] += client.xlen(field.world.settings.stream.name)
                client.flushall()
        if wait_for(lambda: is_done([field.world]), round_.patience_seconds):
            replay(field)
        field.finish()


def last_second(round_: Round) -> None:
    """The append-only file of a killed server is cut at each boundary of its last records."""
    with server(*EVERY_SECOND) as redis:
        state = round_.directory / "state"
        register_root.cache_clear()
        world = World(state, redis.url)
        news = News(world.drop_dir, round_.random)
        recover(world.context)
        news.write(20)
        world.run()
        before = append_only_file(redis).stat().st_size
        news.write(100)
        world.scan()
        calls = round_.random.randint(1, 2)
        in_child(lambda: _die_after(World(state, redis.url), calls))
        redis.kill()
        saved = round_.directory / "kept"
        shutil.copytree(state, saved)
        whole = append_only_file(redis).read_bytes()
        cuts = [before, *(m.start() for m in RECORD.finditer(whole, before)), len(whole)]
        round_.random.shuffle(cuts)
        for cut in cuts:
            if round_.is_over:
                break
            append_only_file(redis).write_bytes(whole[:cut])
            redis.start()
            shutil.rmtree(state)
            shutil.copytree(saved, state)
            register_root.cache_clear()
            after = World(state, redis.url)
            recover(after.context)
            after.run()
            round_.happened["files cut"] += 1
            round_.add(examine((after, news)), f"cut at {cut} of {len(whole)}:")
            redis.kill()


def failed_over(round_: Round) -> None:
    """The primary dies while its replica lags; the service continues with the replica."""
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--protected-mode", "no")
    follow = ("--replicaof", "127.0.0.1", str(port))
    with server(*options) as primary, server(*follow) as replica:
        state = round_.directory / "state"
        register_root.cache_clear()
        world = World(state, primary.url)
        news = News(world.drop_dir, round_.random)
        recover(world.context)
        news.write(50)
        world.run()
        stream = world.settings.stream.name
        client = replica.client()
        wait_for(lambda: client.xlen(stream) == primary.client().xlen(stream), 30)
        client.replicaof("NO", "ONE")  # what comes from here on does not reach it
        news.write(100)
        world.scan()
        in_child(lambda: _die_after(World(state, primary.url), round_.random.randint(1, 2)))
        missing = primary.client().xlen(stream)
        primary.kill()
        missing -= client.xlen(stream)
        round_.happened["entries that the replica lacked"] += missing
        after = World(state, replica.url)
        recover(after.context)
        after.run()
        round_.add(examine((after, news)))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _die_after(world: World, calls: int) -> None:
    """Work until the journal has so many groups, then die: they are decided but not archived."""
    add, left = Journal.add, calls

    def counting(self: Journal, *args: object, **options: object) -> None:
        nonlocal left
        add(self, *args, **options)  # type: ignore[arg-type]
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.add = counting  # type: ignore[method-assign]
    world.drain()


def replay(field: Field) -> None:
    """`newsdrop replay`."""
    command = [sys.executable, "-m", "worker.cli", "--config", str(field.config), "replay"]
    subprocess.run(
        command, env=clean_environment(), cwd=PROJECT, capture_output=True, timeout=120, check=True
    )
