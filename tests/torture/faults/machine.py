"""Every order of drops, runs, kills, restarts, cut files, retries, renames and clock steps that
Hypothesis thinks of, with the same oracle after each."""

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.servers import Server, new_directory
from tests.torture import seam
from tests.torture.faults.power import append_only_file
from tests.torture.news import News
from tests.torture.oracle import examine
from tests.torture.round import Round
from tests.world import World, in_child
from worker.actions.quarantine import retry
from worker.errors import Retryable
from worker.pipeline.recover import recover
from worker.settings.clock import utc_now
from worker.spool.layout import register_root


def machine(round_: Round) -> None:
    """Runs of up to 15 steps until the time is over; the first failing one is shrunk and
    printed."""
    number = 0
    while not round_.is_over:
        number += 1
        configured = settings(
            max_examples=3,
            stateful_step_count=15,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        tested = seed(f"{round_.seed}/{number}")(_machine_of(round_))
        run_state_machine_as_test(tested, settings=configured)


def _machine_of(round_: Round) -> type[RuleBasedStateMachine]:
    class Newsdrop(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.directory = Path(tempfile.mkdtemp(dir=round_.directory))
            self.server = Server(new_directory(), appendonly=True).start()
            register_root.cache_clear()
            self.ahead = timedelta()
            self.steps: list[str] = []
            self.world = self._open()
            self.news = News(self.world.drop_dir, Random(1))
            self.size = append_only_file(self.server).stat().st_size

        @rule(count=st.integers(1, 6))
        def drop(self, count: int) -> None:
            self._step("drop")
            self.news.write(count)

        @rule()
        def run(self) -> None:
            self._step("run")
            self._tick(self.world)

        @rule(failure=st.sampled_from(["kill before", "kill after"]), number=st.integers(1, 250))
        def kill(self, failure: str, number: int) -> None:
            self._step(f"{failure} {number}")

            def work() -> None:
                with seam.failing(failure, number, lambda _: None):
                    self._tick(self._open())

            if in_child(work) == -signal.SIGKILL:
                round_.happened["kills that hit"] += 1

        @rule()
        def restart_server(self) -> None:
            self._step("restart")
            self.server.kill()
            self.server.start()

        @rule(part=st.floats(0, 1))
        def cut_file(self, part: float) -> None:
            """The server loses some of its writes since the last check."""
            self._step("cut")
            self.server.kill()
            path = append_only_file(self.server)
            size = path.stat().st_size
            os.truncate(path, size - int((size - min(self.size, size)) * part))
            self.server.start()
            self._tick(self.world)
            self.size = path.stat().st_size

        @rule()
        def retry_refused(self) -> None:
            self._step("retry")
            items = self.world.context.deps.quarantine.ids()
            with suppress(Retryable):
                if items:
                    retry(self.world.settings, items[:1])

        @rule()
        def rename(self) -> None:
            """An unclaimed file gets another name."""
            self._step("rename")
            for path in list(self.world.drop_dir.glob("*.md"))[:1]:
                new = f"renamed-{path.name}"
                path.rename(path.with_name(new))
                if path.name in self.news.titles:
                    self.news.titles[new] = self.news.titles.pop(path.name)
                else:
                    self.news.refused.remove(path.name)
                    self.news.refused.add(new)

        @rule(hours=st.sampled_from([-24, -8, 8, 24]))
        def step_clock(self, hours: int) -> None:
            self._step("clock")
            self.ahead += timedelta(hours=hours)
            self.world = self._open()

        def teardown(self) -> None:
            try:
                for _ in range(3):
                    self._tick(self.world)
                round_.add(examine((self.world, self.news)), ", ".join(self.steps))
            finally:
                self.server.kill()
                shutil.rmtree(self.server.directory, ignore_errors=True)
                shutil.rmtree(self.directory, ignore_errors=True)

        def _step(self, name: str) -> None:
            self.steps.append(name)
            round_.happened["steps"] += 1

        def _open(self) -> World:
            world = World(self.directory / "state", self.server.url)
            deps: Any = replace(world.context.deps, now=lambda: utc_now() + self.ahead)
            world.context = replace(world.context, deps=deps)
            return world

        def _tick(self, world: World) -> None:
            for step in (lambda: recover(world.context), world.run):
                with suppress(Retryable):
                    step()

    return Newsdrop
