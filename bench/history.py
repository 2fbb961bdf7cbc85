"""The history of all figures: `bench/results.json`, one run a commit, in git.

A run of a few parts replaces only their figures in its commit's run. Runs of different machines
are never compared.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure
from bench.place import ROOT

RESULTS = Path(__file__).parent / "results.json"
Run = dict[str, Any]
"""`commit`, `measured_at`, `machine`, `load` (before the first part), `figures` by name."""


def runs() -> list[Run]:
    """All runs, oldest first."""
    return json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else []


def earlier(name: str, machine: dict[str, Any]) -> float | None:
    """The value of a figure in the last run of an earlier commit on this machine, if any."""
    commit = commit_of_tree()
    for run in reversed(runs()):
        if run["commit"] != commit and run["machine"] == machine and name in run["figures"]:
            return float(run["figures"][name]["value"])
    return None


def add(figures: Sequence[Figure], load: float) -> None:
    """Add figures to this commit's run; written after each part, so that a failing part does not
    lose the results of the others."""
    every, commit, machine = runs(), commit_of_tree(), machine_of()
    run = every[-1] if every else None
    if run is None or run["commit"] != commit or run["machine"] != machine:
        run = {"commit": commit, "machine": machine, "load": load, "figures": {}}
        every.append(run)
    run["measured_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    run["figures"].update((figure.name, _data(figure)) for figure in figures)
    text = json.dumps(every, ensure_ascii=False, indent=1)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def newest(runs: Sequence[Run]) -> dict[str, tuple[Figure, Run]]:
    """The newest value of each figure that the newest machine has, and its run."""
    figures: dict[str, tuple[Figure, Run]] = {}
    for run in runs:
        if run["machine"] == runs[-1]["machine"]:
            figures.update((figure.name, (figure, run)) for figure in figures_of(run))
    return figures


def figures_of(run: Run) -> Iterator[Figure]:
    return (Figure(**data) for data in run["figures"].values())


def commit_of_tree() -> str:
    """The commit that is measured, short; with `+` where files differ from it."""
    commit = _git("rev-parse", "--short=10", "HEAD")
    paths = ("worker", "newsdrop", "config", "bench", ":!bench/results.json")
    return commit + ("+" if _git("status", "--porcelain", "--", *paths) else "")


def machine_of() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
    }


def _data(figure: Figure) -> dict[str, Any]:
    data = asdict(figure)
    data["value"] = float(f"{figure.value:.5g}")
    data["parts"] = {name: float(f"{value:.5g}") for name, value in figure.parts.items()}
    return data


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
