"""`config` and `schema`: the settings in effect, and the record's schema."""

import re
from collections.abc import Callable

import jsonschema
import pytest

from tests.home import Home, article, running_up
from tests.servers import Server
from worker.settings import Settings


def without_places(shown: str) -> str:
    return re.sub(r"  # .*", "", shown)


def test_config_show_names_the_places(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value has the place where it was set: file, variable, list in the file; a default has
    none."""
    text = '[stream]\nmax_length = 7\n[[folders]]\nname = "a"\npath = "a"\n'
    path = home.put("mine.toml", text)
    monkeypatch.setenv("NEWSDROP_WORKER_TICK_SECONDS", "3")
    shown = home.run("--config", str(path), "config", "show").stdout
    assert f"\nmax_length = 7  # {path}\n" in shown
    assert "\ntick_seconds = 3.0  # NEWSDROP_WORKER_TICK_SECONDS\n" in shown
    assert f'\nname = "a"  # {path}\n' in shown
    assert re.search(r"\nkeep_days = \d+\n", shown)
    monkeypatch.setenv("NEWSDROP_CONFIG", str(path))
    places = home.json("config", "show")["places"]
    assert places["worker.tick_seconds"] == "NEWSDROP_WORKER_TICK_SECONDS"
    assert places["stream.max_length"] == str(path)


def test_config_show_is_a_config_file(home: Home) -> None:
    """What `config show` prints can be saved and used, and then shows the same."""
    shown = home.run("config", "show").stdout
    path = home.put("mine.toml", shown)
    again = home.run("--config", str(path), "config", "show").stdout
    assert without_places(again) == without_places(shown)
    assert home.json("config", "show")["stream"]["name"] == "newsdrop:articles"


def test_passwords_are_not_shown(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `config show` nor an error about the server prints its password."""
    monkeypatch.setenv("NEWSDROP_REDIS_URL", "redis://user:secret@127.0.0.1:1/0?password=hidden")
    for command in (["config", "show"], ["config", "show", "--json"], ["status"], ["tail"]):
        printed = home.run(*command).output
        assert "secret" not in printed
        assert "hidden" not in printed


def test_config_check(home: Home) -> None:
    """Right settings exit 0; a misspelt key exits 2 and names the one that was meant."""
    assert home.json("config", "check")["ok"]
    path = home.put("bad.toml", "[stream]\nmax_lenght = 5\n")
    result = home.run("--config", str(path), "config", "check")
    assert result.exit_code == 2
    assert "did you mean stream.max_length?" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("NEWSDROP_WEB_HOST", "0.0.0.0", "web.token"),
        ("NEWSDROP_WEB_HOST", "no such host", "not an address"),
        ("NEWSDROP_REDIS_DURABILITY", "fsynced", "redis.durability is fsynced"),
        ("NEWSDROP_STATE_DIR", "/proc/newsdrop", "cannot"),
        ("NEWSDROP_DROP", "/proc/drop", "cannot be created"),
        ("NEWSDROP_REDIS_PASSWORD_FILE", "/nowhere", "cannot read /nowhere"),
    ],
)
def test_config_check_refuses_what_up_refuses(
    home: Home, variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever would stop a start is found before it, with the advice of the start."""
    if variable.endswith("PASSWORD_FILE"):
        monkeypatch.setenv("NEWSDROP_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv(variable, value)
    result = home.run("config", "check")
    assert result.exit_code == 2, result.output
    assert says in result.stderr


def test_config_check_refuses_an_evicting_server(
    home: Home, own_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running server is checked; an unavailable one is a note, because `up` waits for it."""
    server = own_server(options=("--maxmemory-policy", "allkeys-lru"))
    monkeypatch.setenv("NEWSDROP_REDIS_URL", server.url)
    assert "noeviction" in home.run("config", "check").stderr
    monkeypatch.setenv("NEWSDROP_REDIS_URL", "redis://127.0.0.1:1")
    unavailable = home.run("config", "check")
    assert unavailable.exit_code == 0
    assert "were not checked" in unavailable.stderr


def test_config_check_creates_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check before the first start leaves no state directory behind."""
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(home.path / "fresh"))
    assert home.run("config", "check").exit_code == 0
    assert not (home.path / "fresh").exists()


def test_config_check_reads_the_site_rules(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rule of the operator's own is found before anything is started."""
    rule = home.put("sites/mine.toml", "[body]\nremove = ['p[']\n")
    monkeypatch.setenv("NEWSDROP_SITES_DIR", str(rule.parent))
    result = home.run("config", "check")
    assert result.exit_code == 2
    assert "mine.toml" in result.stderr


def test_the_schema_describes_the_record(home: Home) -> None:
    """A record that came out of the stream is valid by `schema`; one without a title is not."""
    schema = home.json("schema")
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    (record,) = home.lines("tail")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(record, schema)
    del record["title"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, schema)


def test_a_new_up_ignores_the_run_file_of_the_last_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --drop it uses the configured folder; other commands use that of the running `up`."""
    seen: list[Settings] = []

    def run_up(settings: Settings, **_: object) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr("worker.service.up.run_up", run_up)
    monkeypatch.delenv("NEWSDROP_REDIS_URL", raising=False)
    with running_up(home.state, drop="/elsewhere", redis={"url": "redis://elsewhere"}):
        assert home.run("up").exit_code == 0
        assert (seen[0].drop, seen[0].redis.url) == (None, "")
        assert home.json("config", "show")["drop"] == "/elsewhere"
    assert home.json("config", "show")["drop"] is None


def test_a_second_terminal_has_the_settings_of_the_service(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `--config` a command reads the running service's file; with another one it names
    both."""
    service = home.put("service.toml", 'state_dir = "other"\n[worker]\ntick_seconds = 7.5\n')
    own = home.put("own.toml", "[worker]\ntick_seconds = 9.5\n")
    with running_up(home.state, config=str(service)):
        shown = home.json("config", "show")
        assert (shown["worker"]["tick_seconds"], shown["state_dir"]) == (7.5, str(home.state))
        assert home.run("config", "show").stderr == ""
        other = home.run("--config", str(own), "feeds", "list")
        note = " ".join(other.stderr.split())
        assert "the running service has its settings from" in note
        assert "service.toml" in note
        assert "own.toml" in note
        assert home.run("--config", str(service), "feeds", "list").stderr == ""
    assert home.json("config", "show")["worker"]["tick_seconds"] == 2.0
