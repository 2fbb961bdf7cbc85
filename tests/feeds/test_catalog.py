"""The catalog: feeds of the config file and of commands, validated as a whole, reloaded on
change."""

from contextlib import suppress
from pathlib import Path

import pytest

from worker.errors import ConfigError, SpoolUnavailable, UsageError
from worker.feeds import managed
from worker.feeds.catalog import CatalogReader, load_catalog
from worker.feeds.feed import KEYS, Feed, parse_feed
from worker.model import OnChange, Scope
from worker.settings import Settings, load, shipped_config


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(options={"state_dir": tmp_path / "state", "feeds.file": tmp_path / "feeds.toml"})


def write(settings: Settings, text: str) -> None:
    assert settings.feeds.file is not None
    settings.feeds.file.write_text(text, "utf-8")


def test_both_kinds_of_feeds_are_there(settings: Settings) -> None:
    """Those of the config file, and those that commands added: only these may be changed so."""
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\n')
    with managed.edit_feeds(settings.state_dir) as feeds:
        feeds["b"] = managed.feed_to_dict(Feed("b", "https://b.example/rss", tags=("x",)))
    catalog = load_catalog(settings)
    assert set(catalog.feeds) == {"a", "b"}
    assert catalog.managed == {"b"}
    assert catalog.feeds["b"].tags == ("x",)


def test_every_key_of_a_feed_takes_effect(settings: Settings) -> None:
    """Every key of a feed comes to where it counts."""
    write(
        settings,
        '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\ntime_zone = "Europe/Berlin"\n'
        'scope = "source"\non_change = "revise"\nnaive_dates = "unreliable"\nsite = "sina"\n'
        'language = "de"\nfull_text = true\ntags = ["t"]\nmin_interval_seconds = 600\n'
        'headers = { Authorization = "Bearer x" }\n',
    )
    feed = load_catalog(settings).feeds["a"]
    profile = feed.profile(settings)
    assert profile.time_zone.key == "Europe/Berlin"
    assert profile.key_zone.key == "Asia/Shanghai"
    assert (profile.scope, profile.on_change) == (Scope.SOURCE, OnChange.REVISE)
    assert (profile.trust_naive_dates, profile.site, profile.language) == (False, "sina", "de")
    assert (profile.full_text, profile.tags) == (True, ("t",))
    assert feed.bounds(settings) == (600, 86_400)
    assert feed.headers == {"Authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[feeds]]\nname = "a"\n', "a: url: this key is missing"),
        ('[[feeds]]\nname = "a"\nurl = "ftp://x"\n', "begin it with https://"),
        ('[[feeds]]\nname = "a"\nurl = "https://"\n', "not an address"),
        ('[[feeds]]\nname = "../a"\nurl = "https://x.example"\n', "letters of any script"),
        ('[[feeds]]\nname = "a"\nurl = "https://x.example"\nfulltext = true\n', "mean full_text"),
        ('[[feeds]]\nname = "a"\nurl = "https://x.example"\nschedule = "often"\n', "cron"),
        ('[[feeds]]\nname = "a"\nurl = "https://x.example"\ntime_zone = "X/Y"\n', "time zone"),
        ('[[feeds]]\nname = "a"\nurl = "https://x.example"\nheaders = {"A b" = "c"}\n', "headers"),
        ('[[feeds]]\nname = "drop"\nurl = "https://x.example"\n', "already a source named drop"),
        ('[[feeds]]\nname = "feeds"\nurl = "https://x.example"\n', "newsdrop itself uses the name"),
        ('[[feed]]\nname = "a"\n', "begin each feed with a line [[feeds]]"),
        ("[[feeds\n", "cannot be read as TOML"),
        (
            '[[feeds]]\nname = "a"\nurl = "https://x.example"\n'
            '[[feeds]]\nname = "a"\nurl = "https://y.example"\n',
            "already a source named a",
        ),
        (
            '[[feeds]]\nname = "a"\nurl = "https://x.example"\n'
            "min_interval_seconds = 60\nmax_interval_seconds = 30\n",
            "larger than max_interval_seconds",
        ),
    ],
)
def test_mistakes_are_named(settings: Settings, text: str, says: str) -> None:
    """Each is a line that names file, feed and key."""
    write(settings, text)
    with pytest.raises(ConfigError) as caught:
        load_catalog(settings)
    assert says in str(caught.value)
    assert "feeds.toml" in str(caught.value)


@pytest.mark.parametrize("schedule", ["0 9 * * 7", "*/15", "0 9 1 1", "0 0 0 * *", "0 0 6 13 *"])
def test_an_invalid_cron_schedule(schedule: str) -> None:
    """It is refused when the file is read, not at a poll."""
    with pytest.raises(UsageError, match="schedule"):
        parse_feed({"name": "a", "url": "https://x.example", "schedule": schedule})


@pytest.mark.parametrize("schedule", ["0 6 15 * *", "0 9 * * 0", "*/5 9-15 * * 1-5"])
def test_a_valid_cron_schedule(schedule: str) -> None:
    """A day of the month may be above 6, a weekday may be 0."""
    assert parse_feed({"name": "a", "url": "https://x.example", "schedule": schedule})


def test_a_header_cannot_smuggle_another() -> None:
    """A line break in a header's value is refused."""
    with pytest.raises(UsageError, match="remove the line breaks"):
        parse_feed({"name": "a", "url": "https://x.example", "headers": {"A": "b\r\nHost: evil"}})


def test_changes_are_seen(settings: Settings) -> None:
    """The catalog is another one when a file is; a profile of before is not used for it."""
    feeds = CatalogReader(settings)
    assert len(feeds.current()) == 0
    before = feeds.current()
    assert feeds.current() is before
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\n')
    assert set(feeds.current().feeds) == {"a"}
    assert not feeds.profile("a").full_text
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\nfull_text = true\n')
    assert feeds.profile("a").full_text


def test_a_later_mistake_keeps_the_previous_feeds(settings: Settings) -> None:
    """A process that has none yet leaves their documents waiting and works on folders."""
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\n')
    feeds = CatalogReader(settings)
    feeds.current()
    write(settings, "[[feeds")
    assert set(feeds.current().feeds) == {"a"}
    fresh = CatalogReader(settings)  # a pool process that is replaced meanwhile
    with pytest.raises(SpoolUnavailable, match="cannot be read as TOML"):
        fresh.current()
    with pytest.raises(SpoolUnavailable):
        fresh.profile("a")
    assert fresh.profile("drop").source == "drop"
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://a.example/rss"\n')
    assert set(fresh.current().feeds) == {"a"}


def test_the_managed_file_is_private(settings: Settings) -> None:
    """It may hold credentials: only its owner reads it, and a failed change leaves it as it was."""
    with managed.edit_feeds(settings.state_dir) as feeds:
        feeds["a"] = {"name": "a", "url": "https://a.example/rss"}
    path = managed.feeds_file(settings.state_dir)
    assert path.stat().st_mode & 0o077 == 0
    with suppress(UsageError), managed.edit_feeds(settings.state_dir) as feeds:
        feeds.clear()
        raise UsageError("no")
    assert set(load_catalog(settings).feeds) == {"a"}
    path.write_text("{")
    with pytest.raises(ConfigError, match="restore it from a back-up"):
        load_catalog(settings)


def test_the_shipped_file_names_every_key() -> None:
    """config/feeds.toml is the manual: each key of a feed has its line."""
    text = (shipped_config() / "feeds.toml").read_text("utf-8")
    for key in KEYS:
        assert f"\n# {key} = " in text


def test_a_name_in_both_files_is_an_error(settings: Settings) -> None:
    """The message names both files and the command that helps."""
    with managed.edit_feeds(settings.state_dir) as feeds:
        feeds["a"] = {"name": "a", "url": "https://a.example/rss"}
    write(settings, '[[feeds]]\nname = "a"\nurl = "https://b.example/rss"\n')
    with pytest.raises(ConfigError) as caught:
        load_catalog(settings)
    hint = "rename that one, or run `newsdrop feeds remove a`"
    assert f"feeds.toml has a feed of the same name: {hint}" in str(caught.value)


def test_a_configured_feeds_file_must_exist(tmp_path: Path) -> None:
    """feeds.toml beside the config file is optional."""
    named = load(options={"state_dir": tmp_path, "feeds.file": tmp_path / "typo.toml"})
    with pytest.raises(ConfigError, match=r"no file of feeds at .*typo\.toml"):
        load_catalog(named)
