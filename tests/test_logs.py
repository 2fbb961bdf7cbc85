"""Logs: one line an event with its fields, without terminal controls and secrets."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from worker import settings
from worker.errors import ConfigError
from worker.redact import is_secret_name, keep_secret, password_in, redacted
from worker.settings import list_secrets

SAY = """
import logging, sys, threading
from worker.logs import log_context, configure_logging, get_logger
from worker.settings import load
configure_logging(load(options={options!r}))
log = get_logger("worker.pipeline.scan")
library = logging.getLogger("kombu.connection")
def go():
"""

EVIL = "evil\\x1b[2J\\nname\\u202e\\u200b 新闻"


def output_of(*lines: str, **options: Any) -> str:
    """The output of a process that runs these lines."""
    given = {f"log.{name}": value for name, value in {"format": "json", **options}.items()}
    given |= {"redis.url": "redis://:hunter22@127.0.0.1:1/0", "web.token": "tok-en-1234"}
    code = SAY.format(options=given) + "".join(f"    {line}\n" for line in lines) + "go()\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.stdout == "", "logs are no output"
    return done.stderr


def events(*lines: str, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output_of(*lines, **options).splitlines()]


RAISE = "try:", "    1 / 0", "except ZeroDivisionError as error:"


def test_json_is_one_object_a_line() -> None:
    """An event is an object with time, level, its text and its fields, an exception within it."""
    first, second = events(
        "log.info('taken', files=3, name='x')",
        *RAISE,
        "    log.error('a bug', exc_info=error)",
    )
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert first["timestamp"].endswith("Z")
    selected = {key: first[key] for key in ("level", "event", "files", "name", "logger")}
    assert selected == {
        "level": "info", "event": "taken", "files": 3, "name": "x",
        "logger": "worker.pipeline.scan",
    }  # fmt: skip
    (raised,) = second["exception"]
    assert (raised["exc_type"], raised["exc_value"]) == ("ZeroDivisionError", "division by zero")
    assert len(raised["frames"]) == 1


def test_the_context_is_in_every_line() -> None:
    """Of libraries, too; not after the block, and not in threads that began in it."""
    lines = events(
        "with log_context(job='j', batch='b', source=None):",
        "    with log_context(document='d'):",
        "        library.warning('lost %s', 'it')",
        "        thread = threading.Thread(target=lambda: log.info('aside'))",
        "        thread.start(); thread.join()",
        "    log.info('batch done', published=1)",
        "log.info('idle')",
    )
    fields = [
        {key: line[key] for key in ("job", "batch", "source", "document") if key in line}
        for line in lines
    ]
    assert [line["event"] for line in lines] == [
        "lost it",
        "aside",
        "batch done",
        "idle",
    ]
    assert fields == [
        {"job": "j", "batch": "b", "document": "d"},
        {},
        {"job": "j", "batch": "b"},
        {},
    ]


def test_messages_of_several_lines() -> None:
    """A library's message is one line of a log, and reads as one."""
    (line,) = events(r"library.warning('cannot connect: %s.\n%s\n', 'refused', 'trying again')")
    assert line["event"] == "cannot connect: refused. trying again"


def test_no_locals_are_logged() -> None:
    """A traceback has places, not variables: bodies, addresses, passwords."""
    text = output_of("held = 'geheim'", *RAISE, "    log.error('a bug', exc_info=error)")
    assert "geheim" not in text


@pytest.mark.parametrize("form", ["console", "json"])
def test_nothing_moves_a_cursor(form: str) -> None:
    """Escape sequences, line breaks and invisible characters are escaped in every part of a
    line."""
    text = output_of(
        f"evil = '{EVIL}'",
        "deep = {evil: [evil, (evil, {'x': evil})], 'b': evil.encode()}",
        "log.info('taken', document=evil, deep=deep)",
        "library.warning('lost %s', evil)",
        "try:",
        "    raise ValueError(evil)",
        "except ValueError as error:",
        "    error.add_note(evil)",
        "    log.error('a bug', exc_info=error)",
        "class Odd:",
        "    def __repr__(self): raise RuntimeError",
        "log.info('odd', it=Odd(), no_number=float('nan'))",
        format=form,
    )
    assert len(text.splitlines()) == 4
    for raw in ("\x1b", "\u202e", "\u200b"):
        assert raw not in text
    assert "新闻" in text
    if form == "json":
        first = json.loads(text.splitlines()[0])
        assert first["document"] == "evil\\x1b[2J\\nname\\u202e\\u200b 新闻"


@pytest.mark.parametrize("form", ["console", "json"])
def test_uncaught_errors_are_lines(form: str) -> None:
    """Of processes and threads, Python's warnings, and messages whose values do not fit."""
    text = output_of(
        "import warnings",
        "warnings.warn('careful\\x1b')",
        "library.warning('lost %d', 'redis://:hunter22@x')",
        "thread = threading.Thread(target=lambda: 1 / 0)",
        "thread.start(); thread.join()",
        "raise OSError('cannot\\nbe hunter22')",
        format=form,
    )
    lines = text.splitlines()
    assert len(lines) == 4
    for line, part in zip(
        lines,
        ("careful\\x1b", "a line of kombu.connection cannot", "ZeroDivision", "OSError"),
        strict=True,
    ):
        assert part in line.replace("\\\\", "\\")
    assert "hunter22" not in text


def test_the_level_counts() -> None:
    """`warning` omits what only informs; `debug` includes the lines of every tick."""
    lines = "log.info('taken')", "logging.getLogger('celery.app.trace').info('chatter')"
    assert output_of(*lines, level="warning") == ""
    assert [line["event"] for line in events(*lines)] == ["taken"]
    assert [line["event"] for line in events(*lines, level="debug")] == ["taken", "chatter"]


def test_single_parts_have_levels() -> None:
    """`log.levels` raises or lowers a package, one of its modules, or a library."""
    lines = (
        "get_logger('worker.store.jobs').debug('store')",
        "get_logger('worker.sources.feeds').info('feeds')",
        "get_logger('worker.sources.pages').info('pages')",
        "logging.getLogger('celery.app.trace').info('trace')",
    )
    levels = {"store": "debug", "sources": "error", "sources.pages": "info", "celery": "info"}
    assert [line["event"] for line in events(*lines, levels=levels)] == ["store", "pages", "trace"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stoer", "did you mean store?"),
        ("worker.store", "did you mean store?"),
        ("q", "choose one of: "),
    ],
)
def test_an_unknown_part_is_refused(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the settings are read, with the nearest name; an unknown level, too."""
    monkeypatch.setenv("NEWSDROP_LOG_LEVELS", f"{name}=debug")
    with pytest.raises(ConfigError, match=f"log.levels: no part of newsdrop is named {name}") as no:
        settings.load()
    assert hint in str(no.value)
    monkeypatch.setenv("NEWSDROP_LOG_LEVELS", "store=loud")
    with pytest.raises(ConfigError, match=r"log\.levels\.store: .*'debug'"):
        settings.load()


@pytest.mark.parametrize(
    "text",
    [
        "Cannot connect to redis://:pass@w0rd-1@10.0.0.1:6379/0: refused",
        "consumer: rediss://user:w0rd-1@host/0?ssl=1",
        "GET http://who:w0rd-1?#@feeds.example/rss answers 401",
        "amqp://w0rd-1@host and https://t:w0rd-1@[::1]:80/x",
        "https://feeds.example/rss?format=atom&access_token=w0rd-1&x=1",
        "https://rsshub.example/a?key=w0rd-1",
        "unix:///run/s.sock?password=w0rd-1",
        "https://login.example/done#access_token=w0rd-1",
        "{'Authorization': 'Bearer w0rd-1', 'Accept': 'x'}",
        "[(b'authorization', b'Basic w0rd-1==')]",
        "Proxy-Authorization: Basic w0rd-1",
        'header "X-Api-Key": "w0rd-1"',
        "Cookie: session=w0rd-1; a=w0rd-1",
    ],
)
def test_credentials_are_found_by_position(text: str) -> None:
    """In addresses, secret parameters and headers."""
    assert "w0rd-1" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://feeds.example/rss?format=atom&page=2",
        "mail a@example.org about http://feeds.example/",
        "Redis cannot be reached at 127.0.0.1:6379 (Connection refused.); check that it is running",
        "keyboard=1 monkey=2 ?keys=3",
    ],
)
def test_other_text_is_not_changed(text: str) -> None:
    """What is not a credential is left as it is."""
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text", ["x-" * 50_000, "a+.-" * 25_000 + "@", "?a.token." * 10_000, "authorization" * 8_000]
)
def test_no_text_makes_redaction_long(text: str) -> None:
    """Log text may be an attacker's: no repeat makes the patterns quadratic."""
    started = time.monotonic()
    assert redacted(text) == text
    assert time.monotonic() - started < 30


def test_secrets_are_found_in_any_form() -> None:
    """As they are, as an address encodes them, and as a message escapes them."""
    keep_secret("a/b@c\\d é", "abc")
    for form in ("a/b@c\\d é", "a%2Fb%40c%5Cd%20%C3%A9", "a/b@c\\\\d é"):
        assert redacted(f"({form})") == "(***)"
    assert redacted("abcde") == "abcde", "three characters are in too many words"


def test_the_settings_secrets(tmp_path: Path) -> None:
    """The password of redis.url, the token, and both out of files; what is unreadable is not."""
    (tmp_path / "password").write_text("from-file\n")
    found = settings.load(
        options={
            "redis.url": "redis://me:pw/x@host/0",
            "redis.password_file": tmp_path / "password",
            "web.token": "token",
            "web.token_file": tmp_path / "missing",
        }
    )
    assert list_secrets(found) == ["pw/x", "token", "from-file"]
    assert password_in("redis://host/0") == ""
    assert is_secret_name("Authorization")
    assert not is_secret_name("key_zone")
