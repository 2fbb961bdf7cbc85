"""Logs: one line an event, JSON where asked, nothing in them that a terminal would obey."""

import json
import subprocess
import sys

import pytest

SAY = """
import logging
from worker.logs import configure_logging
from worker.settings import Log
configure_logging(Log(level="{level}", format="{format}"))
log = logging.getLogger("worker.look")
secret = "geheim"
log.info("taken: %s", "evil\\x1b[2J\\nname\\u202e 新闻")
logging.getLogger("celery.app.trace").info("chatter")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a bug")
"""


def said(level: str, form: str) -> str:
    code = SAY.format(level=level, format=form)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "", "logs are no output"
    return done.stderr


def test_json_is_one_object_a_line() -> None:
    """Each event is a JSON object with time, level, logger and message, exceptions within it."""
    lines = [json.loads(line) for line in said("info", "json").splitlines()]
    assert [line["level"] for line in lines] == ["info", "error"]
    assert lines[0]["event"] == "taken: evil\\x1b[2J\\nname\\u202e 新闻"
    assert lines[0]["logger"] == "worker.look"
    assert lines[0]["timestamp"].endswith("Z")
    assert lines[1]["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_no_locals_are_logged() -> None:
    """A traceback says where, and not what the variables held: bodies, addresses, passwords."""
    assert "geheim" not in said("info", "json")


@pytest.mark.parametrize("form", ["console", "json"])
def test_nothing_moves_a_cursor(form: str) -> None:
    """Escape sequences and bidirectional marks in a message come out as text."""
    text = said("info", form)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "新闻" in text


def test_the_level_counts() -> None:
    """`warning` leaves out what is only informative; `debug` lets in the chatter of every tick."""
    assert "taken" not in said("warning", "console")
    assert "chatter" not in said("info", "console")
    assert "chatter" in said("debug", "console")
