"""Feeds are edited: keys, labels and names in any script, through the command line."""

import pytest

from tests.home import Home
from worker.errors import ConfigError, UsageError
from worker.feeds.catalog import load_catalog
from worker.feeds.feed import parse_feed
from worker.feeds.opml import Outline, write_opml
from worker.settings import load


def add(home: Home, number: int, name: str, *more: str) -> None:
    url = f"https://host{number}.example/rss"
    home.json("feeds", "add", url, "--no-check", "--name", name, *more)


def listed(home: Home) -> dict[str, dict[str, object]]:
    return {feed["name"]: feed for feed in home.lines("feeds", "list")}


@pytest.mark.parametrize("name", ["钢铁日报", "한국뉴스", "हिन्दी", "Čaj_9", "a.b-c", "字" * 64])
def test_a_name_has_letters_of_any_script(home: Home, name: str) -> None:
    """It is added, paused, resumed, shown and removed like any other."""
    add(home, 1, name)
    home.run("pause", name)
    assert listed(home)[name]["status"] == "paused"
    home.run("resume", name)
    assert home.json("feeds", "show", name)["keys"]["name"] == name
    assert home.json("feeds", "remove", name) == {"removed": 1}


@pytest.mark.parametrize(
    "name", ["", "a b", "../x", "-a", ".a", "a/b", "a\nb", "\u0301a", "字" * 65, "𠀀" * 51]
)
def test_a_name_is_a_safe_file_name(name: str) -> None:
    """Nothing that is a path, hidden, an option, or too long for a file name."""
    with pytest.raises(UsageError, match="letters of any script"):
        parse_feed({"name": name, "url": "https://a.example/"})


def test_composed_and_decomposed_names_are_one() -> None:
    """The same word typed on two systems is one name."""
    names = {
        parse_feed({"name": n, "url": "https://a.example/"}).name for n in ("\u00e9", "e\u0301")
    }
    assert len(names) == 1


def test_renaming_changes_the_label_only(home: Home) -> None:
    """The name stays, commands accept the label, and a label of another feed is refused."""
    add(home, 1, "harbour", "--tag", "port")
    add(home, 2, "steel")
    assert home.json("feeds", "rename", "harbour", "海港 日报")["name"] == "harbour"
    assert listed(home)["harbour"]["label"] == "海港 日报"
    assert "海港 日报" in home.run("feeds", "list").stdout
    home.run("pause", "海港 日报")
    assert listed(home)["harbour"]["status"] == "paused"
    assert home.run("feeds", "rename", "steel", "海港 日报").exit_code == 2
    assert home.run("feeds", "rename", "steel", "harbour").exit_code == 2
    home.run("feeds", "rename", "海港 日报", "")
    assert listed(home)["harbour"]["label"] == ""
    assert listed(home)["harbour"]["tags"] == ["port"]


def test_a_feed_is_named_by_its_address(home: Home) -> None:
    """What was given to `feeds add` names the feed in every other command."""
    add(home, 1, "harbour")
    url = "https://host1.example/rss"
    assert home.json("feeds", "show", url)["keys"]["name"] == "harbour"
    home.run("pause", url)
    assert listed(home)["harbour"]["status"] == "paused"
    assert home.json("feeds", "set", url, "full_text=true")["name"] == "harbour"
    assert home.json("feeds", "remove", url) == {"removed": 1}
    assert home.run("feeds", "show", url).exit_code == 2


def test_keys_are_set_and_reset(home: Home) -> None:
    """Lists, booleans, numbers and headers are read from text; an empty value sets the default."""
    add(home, 1, "harbour", "--tag", "port", "--header", "X-Key: geheim")
    keys = home.json(
        "feeds", "set", "harbour", "full_text=true", "tags=a, b", "min_interval_seconds=60",
        "headers.X-Other=geheim2", "schedule=*/5 * * * *",
    )  # fmt: skip
    assert keys["full_text"] is True
    assert (keys["tags"], keys["min_interval_seconds"]) == (["a", "b"], 60)
    assert keys["headers"] == {"X-Key": "…", "X-Other": "…"}
    keys = home.json("feeds", "set", "harbour", "schedule=", "headers.X-Key=", "full_text=false")
    assert keys["headers"] == {"X-Other": "…"}
    assert not {"schedule", "full_text"} & keys.keys()
    assert keys["tags"] == ["a", "b"]
    assert "geheim" not in home.run("feeds", "show", "harbour").output


def test_near_is_set_and_unset_for_a_feed(home: Home) -> None:
    """A wrong value is refused with the valid ones."""
    add(home, 1, "harbour")
    for value in ("mark", "off"):
        assert home.json("feeds", "set", "harbour", f"near={value}")["near"] == value
    assert "near" not in home.json("feeds", "set", "harbour", "near=")


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ("full_txt=true", "did you mean full_text?"),
        ("min_interval_seconds=soon", "min_interval_seconds"),
        ("name=x", "feeds rename"),
        ("headers=geheim", "headers.NAME=VALUE"),
        ("geheim", "key=value"),
        ("near=drop", "near: choose one of: 'off', 'mark'"),
        ("site=nosuch", "no site rule is named nosuch"),
        ("url=https://host2.example/rss", "there is already a feed"),
        ("url=ftp://a.example", "begin it with https://"),
        ("headers.X=a\nb", "line breaks"),
    ],
)
def test_a_wrong_change_changes_nothing(home: Home, change: str, advice: str) -> None:
    """It is refused with what to do, and a right one in the same call is not made either."""
    add(home, 1, "harbour")
    add(home, 2, "steel")
    before = home.json("feeds", "show", "harbour")
    refused = home.run("feeds", "set", "harbour", "full_text=true", change)
    assert refused.exit_code in (1, 2)
    assert advice in refused.stderr
    assert "geheim" not in refused.output
    assert home.json("feeds", "show", "harbour") == before


def test_a_feed_of_the_config_file_is_changed_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command names the file."""
    path = home.put("feeds.toml", '[[feeds]]\nname = "x"\nurl = "https://a.example/rss"\n')
    monkeypatch.setenv("NEWSDROP_FEEDS_FILE", str(path))
    refused = home.run("feeds", "set", "x", "full_text=true")
    assert f"{path}: change it there" in refused.stderr.replace("\n", "")


def test_an_imported_list_is_shown_first(home: Home) -> None:
    """`--dry-run` lists names, labels, addresses and tags; the import gives each the defaults."""
    outlines = [
        Outline("新浪财经", "https://rss.example/sina", ("财经",)),
        Outline("新浪财经", "https://rss.example/sina2"),
        Outline("财新网 — 最新", "https://rss.example/caixin"),
    ]
    path = str(home.put("list.opml", write_opml(outlines, "mine")))
    options = ("feeds", "import", path, "--tag", "cn", "--full-text")
    text = home.run(*options, "--dry-run").stdout
    for expected in (
        "新浪财经-2",
        "财新网-最新",
        "财新网 — 最新",
        "https://rss.example/caixin",
        "财经, cn",
    ):
        assert expected in text
    dry = home.json(*options, "--dry-run")
    assert listed(home) == {}
    report = home.json(*options)
    assert report["feeds"] == dry["feeds"]
    feeds = listed(home)
    assert list(feeds) == ["新浪财经", "新浪财经-2", "财新网-最新"]
    assert {feed["label"] for feed in feeds.values()} == {"新浪财经", "财新网 — 最新"}
    assert all(feed["full_text"] and feed["tags"][-1] == "cn" for feed in feeds.values())
    assert "2 feeds are labelled" not in home.run("feeds", "show", "新浪财经").output


def test_rechecks_need_full_text_and_revisions(home: Home) -> None:
    """The error names the missing keys; then `feeds show` and `status` count rechecks by state."""
    add(home, 1, "harbour")
    message = 'recheck needs full_text = true and on_change = "revise": set them too'
    assert message in home.run("feeds", "set", "harbour", "recheck=true").output
    file = home.path / "feeds.toml"
    file.write_text('[[feeds]]\nname = "x"\nurl = "https://x.example/"\nrecheck = true\n')
    with pytest.raises(ConfigError, match="x: recheck needs full_text"):
        load_catalog(load(options={"state_dir": str(home.state), "feeds.file": str(file)}))
    home.run("feeds", "set", "harbour", "recheck=true", "full_text=true", "on_change=revise")
    counts = [("waiting", "harbour", 7), ("done", "harbour", 5), ("dropped", "harbour", 3)]
    home.context().recheck_store.count_rechecks(counts)
    assert "7 waiting, 5 done, 3 dropped" in home.run("feeds", "show", "harbour").output
    shown = home.json("feeds", "show", "harbour")
    assert shown["state"]["rechecks"] == {"waiting": 7, "done": 5, "dropped": 3}
    assert "7 waiting, 0 due now, 5 done, 3 dropped" in home.run("status").output
