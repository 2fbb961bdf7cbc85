"""A short part of `make torture`, and the proof that it fails without a mechanism."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def torture(*options: str) -> "subprocess.CompletedProcess[str]":
    """One short round of each named fault."""
    return subprocess.run(
        [sys.executable, "-m", "tests.torture", "--rounds", "1", "--minutes", "0.1", *options],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_a_failing_call_and_a_power_cut_lose_nothing() -> None:
    """Calls of a batch's way fail, and a few cuts are recovered from: every figure is 0."""
    good = torture("--only", "call fails", "--only", "power cut")
    assert good.returncode == 0, good.stdout + good.stderr


def test_lost_replies_fail_without_the_claims() -> None:
    """A batch that is published again and not recognised is unaccounted for."""
    red = torture("--only", "replies lost", "--without", "claims")
    assert red.returncode == 1, red.stdout + red.stderr
    assert "publish replies lost" in red.stderr
    assert "unaccounted 0" not in red.stderr


def test_kills_fail_without_the_sweep() -> None:
    """Without the tick's scan for waiting batches, those of a killed worker wait forever."""
    red = torture("--only", "kill -9 after", "--patience", "6", "--without", "sweep")
    assert red.returncode == 1, red.stdout + red.stderr
    assert "waiting 0," not in red.stderr
