"""A power cut at any call of a batch's way leaves each file in the drop folder, in a batch that can
be worked on, or in a whole segment; whatever names come back that were not synced."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.servers import Server
from tests.torture import seam
from tests.torture.faults.power import MODELS, Cut, Recorder, rebuild
from tests.world import World, article
from worker.spool.archive import Archive
from worker.spool.layout import register_root

DATA = {f"{number}.md": article(f"第{number}条") for number in range(4)} | {"bad.md": b"\0bad"}
ROUNDS = 3


@pytest.fixture
def cuts(tmp_path: Path, redis_server: Server) -> list[Cut]:
    """Everything is created for the first time, the spool's folders, too."""
    register_root.cache_clear()
    world = World(tmp_path / "state", redis_server.url)
    for name, data in DATA.items():
        world.put(name, data)
    recorder = Recorder(world.settings.state_dir)
    with seam.before_each(recorder.note, seam.CHANGES):
        world.run()
    recorder.note("end", ())
    return list(recorder.cuts())


def test_no_file_is_lost(cuts: list[Cut], tmp_path: Path) -> None:
    """All prefixes of the calls, with none, all and some of the names that were not synced."""
    assert len(cuts) > 50
    seen = set()
    for at, cut in enumerate(cuts):
        for model in range(len(MODELS)):
            for round_ in range(ROUNDS if model == len(MODELS) - 1 else 1):
                state = tmp_path / f"{at}-{model}-{round_}"
                rebuild(cut, model, state, Random(f"{at} {round_}"))
                places = list(find(state))
                seen.update(place for place, _ in places)
                there = {data for _, data in places}
                missing = [name for name, data in DATA.items() if data not in there]
                assert not missing, f"cut {at}, before {cut.now.call}, {MODELS[model]}"
    assert seen == {"dropped", "waiting", "archived", "refused"}


def find(state: Path) -> Iterator[tuple[str, bytes]]:
    """Every file that a service would process or has archived. Fails for a batch stuck in
    `work/`."""
    drop = state / "drop"
    yield from (("dropped", path.read_bytes()) for path in drop.iterdir() if path.is_file())
    for batch in (drop / ".newsdrop" / "work").glob("*"):
        assert (batch / "lock").exists()
        head, *entries = map(json.loads, (batch / "manifest").read_text().splitlines())
        assert head["batch"] == batch.name
        for number, *_ in entries:
            if (batch / str(number)).exists():
                yield "waiting", (batch / str(number)).read_bytes()
    yield from (("refused", raw.read_bytes()) for raw in state.glob("quarantine/[0-9]*/raw"))
    for segment in Archive(state).segments():
        yield from (("archived", data) for _, data in segment.raws())
