"""Damaged files in the state directory: work goes on, or says which file it is and what to do."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, page, rss
from tests.servers import Server
from tests.world import World, article
from worker.errors import NewsdropError
from worker.health.preflight import begin
from worker.pipeline.cleanup import clean_up
from worker.pipeline.recover import recover
from worker.pipeline.retention import feed_past, trim_stream
from worker.pipeline.sampling import take_sample
from worker.pipeline.search import feed_search
from worker.queries.audit import audit
from worker.queries.health import check_health
from worker.queries.status.overview import get_overview
from worker.settings.clock import read_clocks
from worker.spool import redis_record
from worker.spool.redis_record import RedisRecord


def used_directory(world: World, web: Web) -> Path:
    """A copy of the state directory of a service that has used all of it."""
    begin(world.settings, lambda _: None)
    web.pages["/rss"] = Reply(body=rss([item(n, link=web.url(f"/{n}.html")) for n in (1, 2)]))
    for number in (1, 2):
        web.pages[f"/{number}.html"] = page(f"港口第{number}号公告", f"全文{number}。")
    world.add_feed("harbour", web.url("/rss"), full_text=True, recheck=True, on_change="revise")
    world.poll()
    world.poll()
    world.put("a.md", article())
    world.put("empty.md")
    world.run()
    for _, step in steps(world):
        step()
    world.put("waits.md", article("在等待", "还在等待。"))
    world.scan()
    copy = world.settings.state_dir.with_name("copy")
    shutil.copytree(world.settings.state_dir, copy)
    return copy


def steps(world: World) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a service does again and again, and what a person looks at."""
    context, settings, now = world.context, world.settings, datetime.now(UTC)
    yield "scan", world.scan
    yield "drain", world.drain
    yield "poll", world.fetch
    yield "recover", lambda: recover(context)
    yield "restart", lambda: restart(world)
    yield "sample", lambda: take_sample(context, now)
    yield "index", lambda: feed_search(context)
    yield "trim", lambda: trim_stream(context, now)
    yield "past", lambda: feed_past(context)
    yield "tidy", lambda: clean_up(context, read_clocks())
    yield "overview", lambda: get_overview(settings, now, minutes=5)
    yield "health", lambda: check_health(settings, now)
    yield "audit", lambda: audit(settings)


def restart(world: World) -> None:
    """Redis has another run id: the archive of the last minutes is looked up."""
    redis_record.write(world.settings.state_dir, RedisRecord("0" * 40))
    recover(world.context)


def other_types(data: bytes) -> bytes:
    """The same JSON lines with values of other types."""

    def change(value: Any) -> Any:
        return {"a": 1} if isinstance(value, str) else "x" if isinstance(value, int) else 5

    lines = []
    for line in data.splitlines():
        try:
            values = json.loads(line)
            lines.append(json.dumps({key: change(value) for key, value in values.items()}))
        except (ValueError, AttributeError):
            lines.append("12345")
    return "\n".join(lines).encode() + b"\n"


def error_of(run: Callable[[], object]) -> str:
    """What a person is told; '' where nothing fails."""
    try:
        run()
    except NewsdropError as error:
        return str(error)
    return ""


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "noise": lambda _: bytes(range(128, 256)) + b"\n{",
    "list": lambda _: b'[1, "a", null]\n',
    "object": lambda data: b'{"x": 1}\n' * max(1, data.count(b"\n")),
    "types": other_types,
    "strings": lambda data: re.sub(rb'(?<=[:\[, ])"[^"]*"(?!:)', b'"x"', data),
}


def kinds(folder: Path) -> dict[str, Path]:
    """One path of each kind of file: batches, days and numbers are the same kind."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        kind = re.sub(r"\d{8}T[0-9.]+-[0-9a-f]+-|\d{8}|-\d+(?=/|$)", "", name)
        if path.is_file() and (".newsdrop" in name or not name.startswith("drop/")):
            found.setdefault(kind, path.relative_to(folder))
    return found


@pytest.mark.parametrize("damage", [*DAMAGES, "folder"])
@pytest.mark.timeout(180)
def test_a_damaged_file_stops_nothing_else(
    tmp_path: Path, redis_server: Server, web: Web, damage: str
) -> None:
    """Each kind of file in turn: what fails says which file, and a dropped article is published
    unless its own folder is unusable."""
    state = tmp_path / "state"
    copy = used_directory(newsroom(state, redis_server, web), web)
    all_kinds = kinds(copy)
    assert len(all_kinds) > 25
    for number, (kind, name) in enumerate(all_kinds.items()):
        shutil.rmtree(state)
        shutil.copytree(copy, state)
        path = state / name
        if damage == "folder":
            path.unlink()
            path.mkdir()
        else:
            damaged = DAMAGES[damage](before := path.read_bytes())
            if damaged == before:
                continue
            path.write_bytes(damaged)
        if kind == "id":
            assert str(path) in error_of(lambda: newsroom(state, redis_server, web))
            continue
        world = newsroom(state, redis_server, web)
        title = f"第{number}篇"
        world.put(f"{number}.md", article(title, f"正文{number}。"))
        for step, run in steps(world):
            error = error_of(run)
            assert not error or str(path) in error, (kind, step)
        published = [entry["data"]["title"] for entry in world.entries()]
        is_of_folder = kind.startswith("drop/.newsdrop/") and "/work/" not in kind
        assert title in published or (is_of_folder and damage == "folder"), kind
