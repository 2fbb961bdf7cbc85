"""Commands with `--lang zh`: what people read is Chinese, to the last word."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from typer.main import get_command

from tests.cli.test_feeds import polled
from tests.home import Home, article
from tests.http_server import Web
from tests.newsroom import feed
from worker.cli.output import console, error_console
from worker.cli.root import app
from worker.errors import Reason
from worker.model.warning import WarningKind
from worker.settings import Settings
from worker.settings.types import _parts
from worker.translation import use_language

NAMES = {
    "newsdrop",
    "worker",
    "Celery",
    "RabbitMQ",
    "IANA",
    "CSS",
    "TOML",
    "JSON",
    "cron",
    "Redis",
    "redis",
    "valkey",
    "default",
    "noeviction",
    "ID",
    "IP",
    "UTC",
    "PATH",
    "WARC",
}
UNITS = {"kB", "MB", "GB", "AOF"}
"""Names of programs, and what is typed as it is."""

DATA = {"drop", "feeds", "manual", "harbour", "readers", "nope", "zz", "appendonly", "yes", "md"}
"""What the tests, the sources and the settings are called; the end of a path that is wrapped."""

KEYS = {"name", "url", "tags", "trusted", "scope", "global", "duplicate"}
"""Keys of a feed with their values, in `feeds show`."""

WRITTEN = {*Settings.model_fields, *KEYS, "true", "false", "foo", "publsher", "publisher"}
WRITTEN |= {"stroe", "zzzzz", *_parts()}
"""Keys of settings and site rules, right and wrong, and their values."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    with Web() as server:
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(server.port))
        server.pages["/rss"] = feed(1, 2, 3)
        yield server


def english(text: str) -> set[str]:
    """The English words of an output that are no names, no paths, no addresses and no commands."""
    text = re.sub(r"`[^`]*`|'[^']*'|https?://\S+|newsdrop [a-z -]+|--[a-z-]+", "", text)
    tokens = re.split(r"[\s，。：；（）、“”「」·?]+", text)
    words = {it.strip(".,:;!") for it in tokens if re.fullmatch(r"[A-Za-z']{2,}[.,:;!]?", it)}
    codes = {str(it) for kind in (Reason, WarningKind) for it in kind}
    return words - NAMES - UNITS - DATA - codes - _commands(get_command(app))


def _commands(group: object) -> set[str]:
    below = getattr(group, "commands", {})
    return set(below).union(*map(_commands, below.values()))


def in_chinese(home: Home, *command: str) -> str:
    """What a command prints; no English word may be in it."""
    console.cache_clear()  # the width of the terminal is read again
    error_console.cache_clear()
    with use_language("en"):  # the command sets the language of this process
        result = home.run("--lang", "zh", *command)
    assert "Usage:" not in result.output, command
    keys = KEYS if "show" in command else WRITTEN if {"check", "ftp://x"} & {*command} else set()
    assert english(result.output) - keys == set(), (command, result.output)
    return result.output


@pytest.mark.parametrize("columns", ["70", "170"])
def test_commands_speak_chinese(
    home: Home, web: Web, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """Each command of a small service, and its errors: wide and narrow, paused, refused, revised,
    withdrawn."""
    monkeypatch.setenv("COLUMNS", columns)
    first, empty = home.put("a.md", article("潮汐表")), home.put("in/b.md", b"")
    rows = home.put("rows.ndjson", '{"a": 1}\n{"a": 2}\n')
    other = home.put("d.md", article("潮汐表", body="另一段正文。"))
    undated = home.put("in/c.md", "---\ntitle: 无日期\n---\n正文")
    assert "已接收 1 个文件" in in_chinese(home, "enqueue", str(first))
    in_chinese(home, "enqueue", str(first), str(home.path / "in"))
    home.work()
    in_chinese(home, "enqueue", str(other))
    in_chinese(home, "feeds", "add", web.url("/rss"), "--name", "harbour")
    in_chinese(home, "feeds", "add", web.url("/rss?2"))
    in_chinese(home, "feeds", "add", web.url("/gone"), "--no-check", "--name", "zz")
    for bad in ("https://a.example:8099", "https://127.1", "https://-", "https://a\x01b"):
        in_chinese(home, "parse", bad)
    home.work()
    polled(home)
    ids = [entry["id"] for entry in home.lines("tail")]
    job = home.lines("jobs")[-1]["id"]
    (refused,) = [entry["id"] for entry in home.lines("quarantine", "list")]
    in_chinese(home, "retract", ids[0], "--reason", "x")
    in_chinese(home, "groups", "create", "readers")
    in_chinese(home, "groups", "create", "harbour", "--since", "2020-01-01")
    home.work()
    in_chinese(home, "pause", "drop")
    assert "drop已暂停" in in_chinese(home, "status")
    for command in (
        ["status"], ["resume", "drop"], ["pause", "nope"], ["resume", "nope"],
        ["jobs"], ["jobs", job], ["jobs", "nope"], ["jobs", "--source", "nope"],
        ["tail"], ["tail", "--from", "zz"], ["tail", "--tag", "nope"], ["show", "nope"],
        ["forget", "nope"], ["forget", ids[1]],
        ["explain", str(first)], ["explain", str(empty)], ["explain", str(undated)],
        ["explain", "--title", "没有"], ["explain", "潮汐"], ["explain", str(other)],
        ["explain", "--title", "潮汐表", "--date", "2022-03-04"],
        ["parse", str(empty)], ["parse", "nope"], ["parse", str(rows)],
        ["archive", "export", "--warc", str(home.path / "x.warc.gz")],
        ["archive", "export", "--warc", str(home.path / "x.warc.gz")],
        ["archive", "export", "--warc", str(home.path / "x.zip")],
        ["quarantine", "list"], ["quarantine", "show", refused], ["quarantine", "retry", refused],
        ["jobs"],
        ["quarantine", "retry", "nope"], ["quarantine", "discard", refused, "--yes"],
        ["quarantine", "restore", refused], ["quarantine", "list", "--reason", "empty"],
        ["feeds", "list"], ["feeds", "list", "--failing"], ["feeds", "show", "harbour"],
        ["feeds", "set", "harbour", "tags=x"], ["feeds", "rename", "harbour", "港"],
        ["feeds", "refresh", "--all"], ["feeds", "reset-errors", "harbour"],
        ["pause", "feeds"], ["feeds", "list"], ["feeds", "refresh", "--all"], ["resume", "feeds"],
        ["feeds", "remove", "nope"], ["feeds", "remove", "harbour"],
        ["audit"], ["reindex"], ["replay"], ["reparse"], ["reparse", "--publish"],
        ["config", "check"], ["doctor"], ["healthcheck"], ["trim"], ["trim", "--dry-run"],
        ["groups", "list"], ["groups", "pending", "readers"], ["groups", "delete", "readers"],
        ["groups", "reset", "readers", "--to", "0", "--yes"],
        ["groups", "delete", "readers", "--yes"], ["dead-letters", "list", "readers"],
        ["backup", str(home.path / "x.backup")], ["backup", str(home.path / "x.backup")],
        ["restore", str(home.path / "x.backup")], ["adopt", str(home.drop)], ["down"],
    ):  # fmt: skip
        in_chinese(home, *command)


def test_what_is_accepted_without_redis_is_told_in_chinese(lonely: Home) -> None:
    """It is no error, and the next step is named."""
    told = in_chinese(lonely, "enqueue", str(lonely.put("a.md", article("甲"))))
    assert "newsdrop up" in told


def test_usage_errors_are_chinese(home: Home) -> None:
    """What typer says of wrong options and arguments, also before the command."""
    for command in (
        ["tail", "--bogus"], ["tail", "--sorce", "x"], ["show"], ["tial"], ["nonesuch"],
        ["tail", "--count", "x"], ["tail", "--count", "0"], ["tail", "--count"],
        ["quarantine", "list", "--reason", "bogus"], ["retract", "x"], ["show", "a", "b"],
        ["tail", "--json=5"], ["jobs", "--count", "1001"], ["--bogus", "tail"], ["--config"],
    ):  # fmt: skip
        with use_language("en"):
            result = home.run("--lang", "zh", *command)
        assert result.exit_code == 2
        lines = [line for line in result.output.splitlines() if not line.startswith("用法：")]
        assert english("".join(lines).replace("│", " ")) - {"bogus"} == set(), result.output


def test_who_says_no_is_told_in_chinese(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question before a deletion, and what typer prints when it is not confirmed."""
    home.json("enqueue", str(home.put("b.md", b"")))
    home.work()
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("worker.cli.options.sys", SimpleNamespace(stdin=terminal))
    with use_language("en"):
        result = home.run("--lang", "zh", "quarantine", "discard", "--all", stdin=b"n\n")
    assert english(result.output.replace("[y/N]", "")) == set(), result.output
    assert "已取消" in result.output
    assert len(home.lines("quarantine", "list")) == 1


WRONG_SETTINGS = (
    "[fetch]\nmax_mb = 1.5\nconcurency = 3\nrobots = 'maybe'\nuser_agent = 5\nallow_ports = 5\n"
    "deadline_seconds = 900\n"
    "connect_seconds = 0\nconcurrency = 0\nca_file = 7\n[log]\nlevels = 5\n",
    "foo = 1\n[folders]\nname = 'a'\n[[redis]]\nurl = 'x'\n[stream]\nname = 'a b'\n",
    "[fetch]\nallow_networks = ['10.1.0.1/16']\n[redis]\nurl = 'http://x'\n[stream]\nname = ''\n",
    "[celery]\nbroker_url = 'http://x'\n[log]\nlevel = 'loud'\nlevels = {stroe = 'debug'}\n",
    "[celery]\nbroker_url = 'cluster://x'\n[log]\nlevels = {zzzzz = 'debug'}\n",
    "[[folders]]\nname = 'a/b'\nschedule = '* * * *'\ntime_zone = 'x'\npath = '~nobody-here/x'\n"
    "[[folders]]\npath = 'a'\nschedule = '99 * * * *'\n",
    "[dedupe]\nnear_days = 7\nkeep_days = 3\n[feeds]\nmin_interval_seconds = 99999\n",
    "[[folders]]\nname = 'a'\npath = 'x'\n[[folders]]\nname = 'a'\npath = 'y'\n",
    "[[folders]]\nname = 'feeds'\npath = 'x'\n", "[[folders]]\nname = 'a'\npath = 'x'\n"
    "[[folders]]\nname = 'b'\npath = 'x/y'\n", "version = 7\n",
    "version = 'x'\n", "version = \n", "[a\n",
)  # fmt: skip
"""Files with each kind of mistake that there is."""

WRONG_RULE = (
    "publsher = 'x'\ntitle_suffixes = 5\n[page]\ncontent = 'p'\n",
    "time_zone = 'x'\n[match]\nhosts = ['a']\n[body]\neditor = ['x']\nignore_images = [' ']\n",
)


def test_wrong_settings_are_chinese(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of mistake in the settings, the environment, the feeds and the site rules."""
    file = home.path / "x.toml"
    for text in WRONG_SETTINGS:
        file.write_text(text)
        in_chinese(home, "--config", str(file), "config", "check")
    for name, value in {
        "NEWSDROP_X": "9", "NEWSDROP_FETCH_CONCURENCY": "9", "NEWSDROP_FETCH": "9",
        "NEWSDROP_TASKS_STORE_RESULTS": "perhaps", "NEWSDROP_WEB_HOST": "0.0.0.0",
        "NEWSDROP_CONFIG": "/nope", "NEWSDROP_FETCH_ALLOW_PORTS": "99999,x",
    }.items():  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            in_chinese(home, "config", "check")
    in_chinese(home, "feeds", "add", "ftp://x", "--name", "a/b", "--min-interval", "3")
    for text in WRONG_RULE:
        (home.path / "sites").mkdir(exist_ok=True)
        (home.path / "sites" / "a.toml").write_text(text)
        file.write_text("sites_dir = 'sites'\n")
        assert "a.toml：" in in_chinese(home, "--config", str(file), "config", "check")


def test_the_report_of_a_busy_service_is_chinese() -> None:
    """The output of `status --watch` and of a progress bar during work."""
    from worker.cli.progress import FileProgress
    from worker.cli.status.report import _process_lines
    from worker.queries.status.overview import Activity

    at, now = "2026-01-31T12:00:00Z", "2026-01-31T12:05:00Z"
    tasks = [
        Activity("ingest", "w", "host", 1, 2, "drop", "b", "scan-1", 12, at),
        Activity("fetch", "w", "host", 1, 3, "feeds", None, None, 3, at),
        Activity("fetch", "w", "host", 1, 4, "feeds", None, None, 0, at),
    ]
    progress = FileProgress(total=2000, refused=3)
    progress.record(0)
    progress.count = 1200
    progress.record(600)
    with use_language("zh"):
        lines = [str(line) for line in _process_lines(tasks, 2, now)]
        lines.append(progress.describe())
    assert [english(line) for line in lines] == [set()] * len(lines), lines
    assert lines[0].endswith("已用 5 分钟")


def test_english_is_seen() -> None:
    """The check above finds a word that was not translated, and passes over names and paths."""
    assert english("已接收 1 个文件：3 stay the same，来自 manual") == {"stay", "the", "same"}
    assert english("newsdrop: 用 `newsdrop up` 启动，/tmp/state 与 http://x/the") == set()
