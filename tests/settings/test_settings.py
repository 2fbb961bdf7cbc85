"""Settings: their order, and errors with advice."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.home import running_up
from worker.errors import ConfigError
from worker.settings import Settings, config_file, load, shipped_config


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(tmp_path))


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_file_names_every_key() -> None:
    """`config/newsdrop.toml` has every key with its default: it is the manual."""
    text = (shipped_config() / "newsdrop.toml").read_text("utf-8")
    for name, table in Settings.model_fields.items():
        annotation = table.annotation
        fields = getattr(annotation, "model_fields", None)
        if fields is None:
            assert f"{name} = " in text or name in ("folders", "buckets")
            continue
        section = text.split(f"[{name}]", 1)[1].split("\n[", 1)[0]
        for key, field in fields.items():
            assert f"{key} = {written(field.get_default())}" in section, f"{name}.{key}"
    apart: Any = {"state_dir": True, "feeds": {"file"}}
    assert load().model_dump(exclude=apart) == Settings.model_construct(
        **{name: field.get_default() for name, field in Settings.model_fields.items()}
    ).model_dump(exclude=apart)
    assert load().feeds.file == shipped_config() / "feeds.toml"


def written(default: Any) -> str:
    """A default as TOML has it."""
    return json.dumps("" if default is None else default)


def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults < file < run file of `up` < environment < options; a killed `up` is ignored."""
    path = config(tmp_path, '[redis]\nurl = "redis://file"\n[stream]\nmax_length = 1\n')
    assert load(path).redis.url == "redis://file"
    with running_up(tmp_path, redis={"url": "redis://up"}):
        assert load(path).redis.url == "redis://up"
        monkeypatch.setenv("NEWSDROP_REDIS_URL", "redis://environment")
        assert load(path).redis.url == "redis://environment"
        settings = load(path, {"redis.url": "redis://option"})
    monkeypatch.delenv("NEWSDROP_REDIS_URL")
    assert load(path).redis.url == "redis://file"
    assert settings.redis.url == "redis://option"
    assert settings.stream.max_length == 1
    assert settings.redis.durability == "written"


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    """A config file can be moved with the files that it names."""
    path = config(tmp_path, '[[folders]]\nname = "a"\npath = "in/a"\n')
    assert load(path).all_folders()[0].path == tmp_path / "in" / "a"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[stream]\nmax_lenght = 1\n",
            "unknown setting stream.max_lenght; did you mean stream.max_",
        ),
        ("max_length = 1\n", "did you mean stream.max_length"),
        ('[dedupe]\ntime_zone = "Asia/Shangai"\n', "no such time zone"),
        ('[[folders]]\nname = "a"\npath = "x"\nschedule = "often"\n', "'often' has 1: write"),
        (
            '[[folders]]\nname = "a"\npath = "x"\nschedule = "* 24 * * *"\n',
            "'24' is not a valid hour (0 to 23) of a cron schedule: write",
        ),
        (
            '[[folders]]\nname = "a"\npath = "x"\nschedule = "* * * * noday"\n',
            "'noday' is not a valid weekday (0 to 6, from Sunday",
        ),
        ('[folders]\nname = "a"\npath = "x"\n', "folders: write [[folders]], two brackets"),
        ("folders = 5\n", "folders: write a list, in brackets"),
        ("[[redis]]\n", "redis: write [redis], one bracket"),
        ('[[folders]]\nname = "../a"\npath = "x"\n', "letters of any script, digits"),
        ('[[folders]]\nname = "a"\npath = "x"\npatern = "*"\n', "did you mean folders.0.pattern?"),
        ('[redis]\nurl = "http://x"\n', "redis.url: not an address: begin it with redis://"),
        ("[stream\n", "cannot be read as TOML"),
        ('[[folders]]\nname="a"\npath="x"\n[[folders]]\nname="a"\npath="y"\n', "two sources"),
        (
            '[[folders]]\nname="a"\npath="x"\n[[folders]]\nname="b"\npath="x/y"\n',
            "inside the other",
        ),
        ('[[folders]]\nname="feeds"\npath="x"\n', "the source of what is polled"),
        ('[[folders]]\nname="a"\npath="/"\nmode="in-place"\n', "state_dir is inside a"),
        ('[fetch]\nallow_networks = ["10.0.0.1/8"]\n', "fetch.allow_networks.0: not a network"),
        ("[fetch]\nallow_ports = [0]\n", "fetch.allow_ports.0"),
        ("[feeds]\nmin_interval_seconds = 99999\n", "above max_interval_seconds"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    """Each is one line with the key and the nearest valid one."""
    with pytest.raises(ConfigError) as error:
        load(config(tmp_path, text))
    assert says in str(error.value)


def test_the_archive_is_not_in_a_bucket_that_is_read(tmp_path: Path) -> None:
    """Its copies would be read as articles; a bucket with a longer name is another one."""
    for url, archive, interval, is_refused in (
        ("s3://news", "s3://news-archive/x", 60, False),
        ("s3://news/in/", "s3://news/in", 60, True),
        ("s3://news/in", "s3://news/inner", 60, True),
        ("s3://news", "s3://news", 60, True),
        ("s3://news", "s3://news", 0, False),
        ("s3://news/in", "s3://news/archive", 60, False),
    ):
        bucket = f'[[buckets]]\nname = "a"\nurl = "{url}"\ninterval_seconds = {interval}\n'
        path = config(tmp_path, f'{bucket}[archive]\nurl = "{archive}"\n')
        with pytest.raises(ConfigError) if is_refused else nullcontext() as error:
            load(path)
        assert not error or "archive.url is inside the bucket a" in str(error.value), url


def test_a_misspelt_variable_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `NEWSDROP_*` variable that nothing reads is an error with a suggestion."""
    monkeypatch.setenv("NEWSDROP_STREAM_MAXLENGTH", "1")
    with pytest.raises(ConfigError, match="did you mean NEWSDROP_STREAM_MAX_LENGTH"):
        load()


def test_unreadable_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is not JSON, and a key of folders, which are a list, are one line each."""
    monkeypatch.setenv("NEWSDROP_FOLDERS_NAME", "a")
    with pytest.raises(ConfigError, match="unknown environment variable NEWSDROP_FOLDERS_NAME"):
        load()
    monkeypatch.delenv("NEWSDROP_FOLDERS_NAME")
    monkeypatch.setenv("NEWSDROP_WORKER", "many")
    with pytest.raises(ConfigError, match=r"worker.*give it as JSON"):
        load()


def test_the_config_file_is_named_as_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NEWSDROP_CONFIG` may begin with a tilde, for `config check`, too."""
    config(tmp_path, "[stream]\nmax_length = 7\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NEWSDROP_CONFIG", "~/own.toml")
    assert load().stream.max_length == 7
    assert config_file() == tmp_path / "own.toml"


def test_a_missing_config_file_is_an_error(tmp_path: Path) -> None:
    """A config file that was named must be there."""
    with pytest.raises(ConfigError, match="no config file"):
        load(tmp_path / "none.toml")


def test_a_wrong_address_shows_no_password(tmp_path: Path) -> None:
    """An invalid address is not repeated: a password may be in it."""
    with pytest.raises(ConfigError) as caught:
        load(config(tmp_path, '[redis]\nurl = "localhost:6379?password=geheim"\n'))
    assert "redis.url" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_table_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table and a list of tables are JSON; a key's own variable wins; an empty one is none."""
    monkeypatch.setenv("NEWSDROP_WORKER", '{"processes": 3, "tick_seconds": 9}')
    monkeypatch.setenv("NEWSDROP_WORKER_PROCESSES", "4")
    monkeypatch.setenv("NEWSDROP_WORKER_SLICE_SECONDS", "")
    monkeypatch.setenv("NEWSDROP_FOLDERS", '[{"name": "a", "path": "/a"}]')
    settings = load()
    assert (settings.worker.processes, settings.worker.tick_seconds) == (4, 9)
    assert settings.worker.slice_seconds == 1
    assert [folder.name for folder in settings.folders] == ["a"]


def test_lists_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks and ports are separated by commas where a variable names them."""
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8, ::1/128")
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", "8080")
    fetch = load().fetch
    assert [str(network) for network in fetch.allow_networks] == ["127.0.0.0/8", "::1/128"]
    assert fetch.allow_ports == (8080,)


def test_feeds_are_beside_the_config_file(tmp_path: Path) -> None:
    """One mounted folder of configuration has both."""
    assert load(config(tmp_path, "")).feeds.file == tmp_path / "feeds.toml"
    assert load(config(tmp_path, '[feeds]\nfile = "x/my.toml"\n')).feeds.file == (
        tmp_path / "x" / "my.toml"
    )


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """The error names its version, not its new keys."""
    assert load(config(tmp_path, "version = 1\n")).version == 1
    newer = config(tmp_path, 'version = 2\n[new]\nkey = "x"\n')
    with pytest.raises(ConfigError, match="knows version 1: update newsdrop") as caught:
        load(newer)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ConfigError, match="version: choose one of: 1"):
        load(config(tmp_path, 'version = "one"\n'))


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("NEWSDROP_WORKER_PROCESSES", "nine", "worker.processes"),
        ("NEWSDROP_WORKER", '{"processes": "nine"}', "worker.processes"),
        ("NEWSDROP_FOLDERS", '[{"name": "a"}]', "folders.0.path"),
        ("NEWSDROP_VERSION", "9", "version"),
        ("NEWSDROP_REDIS_URL", "http://x", "redis.url"),
        ("NEWSDROP_FEEDS_MIN_INTERVAL_SECONDS", "99999", "feeds"),
    ],
)
def test_the_place_of_a_mistake_is_named(
    variable: str, value: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable for values of the environment, the file for values of the file."""
    monkeypatch.setenv(variable, value)
    path = config(tmp_path, "[stream]\nmax_length = -1\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    lines = {line.partition(":")[0]: line for line in str(caught.value).splitlines()[1:]}
    assert f"in {variable})" in lines[key]
    assert str(path) not in lines[key]
    assert f"in {path})" in lines["stream.max_length"]


def test_an_option_and_the_run_file_are_named_too(tmp_path: Path) -> None:
    """What a command or a running `up` set wrongly is not blamed on the file."""
    with pytest.raises(ConfigError, match="in an option of the command"):
        load(options={"web.port": 99999})
    with (
        running_up(tmp_path, redis={"url": "http://up"}) as file,
        pytest.raises(ConfigError, match=f"in {file}"),
    ):
        load()


def test_a_wrong_table_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in a variable may hold a secret: a message about all of it does not repeat it."""
    monkeypatch.setenv("NEWSDROP_REDIS", '["redis://:geheim@host"]')
    with pytest.raises(ConfigError) as caught:
        load()
    assert "geheim" not in str(caught.value)
