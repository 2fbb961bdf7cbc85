"""`quarantine list|show|retry|discard`: refused inputs, and their changes."""

import pytest

from tests.home import Home, article


@pytest.fixture
def refused(home: Home) -> Home:
    """Two refused files: one empty, one that is not text."""
    home.put("in/a.md", b"")
    home.put("in/b.md", bytes(range(256)) * 8)
    home.json("enqueue", str(home.path / "in"))
    home.work()
    return home


def test_list_and_show(refused: Home) -> None:
    """Each refused file with its reason and an uncut id; `show --raw` gives its bytes back."""
    first, second = sorted(refused.lines("quarantine", "list"), key=lambda one: one["path"])
    assert (first["path"], first["reason"]) == ("a.md", "empty")
    shown = refused.run("quarantine", "list").stdout
    assert first["id"] in shown
    assert second["id"] in shown
    details = refused.json("quarantine", "show", second["id"])
    assert details["message"] == second["message"]
    assert second["reason"] in refused.run("quarantine", "show", second["id"]).stdout
    raw = refused.run("quarantine", "show", "--raw", second["id"]).stdout_bytes
    assert raw == bytes(range(256)) * 8


def test_an_empty_quarantine(home: Home) -> None:
    """A sentence for people, and no line of JSON."""
    assert "The quarantine is empty." in home.run("quarantine", "list").stdout
    assert home.lines("quarantine", "list") == []


def test_retry_publishes_what_was_fixed(refused: Home) -> None:
    """A retried input is accepted again under its name; once it can be read it is published."""
    first, second = refused.lines("quarantine", "list")
    raw = refused.state / "quarantine" / first["id"] / "raw"
    raw.write_text(article("补写的"), "utf-8")
    retried = refused.json("quarantine", "retry", first["id"])
    assert retried["files"] == 1
    refused.work()
    assert refused.lines("tail")[0]["title"] == "补写的"
    assert [one["id"] for one in refused.lines("quarantine", "list")] == [second["id"]]
    assert refused.json("jobs", retried["job"])["articles"]["published"] == 1
    assert refused.json("audit")["unaccounted"] == 0


def test_an_input_that_is_still_bad_is_refused_again(refused: Home) -> None:
    """`retry --all` puts it into quarantine again; nothing is lost."""
    assert refused.json("quarantine", "retry", "--all")["files"] == 2
    assert refused.lines("quarantine", "list") == []
    refused.work()
    assert len(refused.lines("quarantine", "list")) == 2
    assert refused.json("audit")["unaccounted"] == 0
    assert refused.json("audit")["quarantined"] == 4


def test_a_retry_that_was_killed_half_way_can_be_finished(refused: Home) -> None:
    """Inputs whose bytes an earlier retry has taken are skipped; the others are accepted."""
    first, _ = refused.lines("quarantine", "list")
    (refused.state / "quarantine" / first["id"] / "raw").unlink()
    assert refused.json("quarantine", "retry", "--all")["files"] == 1
    assert refused.lines("quarantine", "list") == []


def test_retry_and_discard_take_a_reason(refused: Home) -> None:
    """What was refused for another reason stays; `discard` wants to be confirmed; IDs beside a
    reason are refused."""
    (empty,) = refused.lines("quarantine", "list", "--reason", "empty")
    assert refused.run("quarantine", "retry", empty["id"], "--reason", "empty").exit_code == 2
    assert refused.json("quarantine", "retry", "--reason", "empty")["files"] == 1
    (other,) = refused.lines("quarantine", "list")
    assert other["id"] != empty["id"]
    refused.work()
    assert "--yes" in refused.run("quarantine", "discard", "--reason", "empty").stderr
    assert refused.json("quarantine", "discard", "--reason", "empty", "--yes")["discarded"] == 1
    assert refused.lines("quarantine", "list") == [other]
    assert refused.json("quarantine", "restore", "--reason", "not_text")["restored"] == 0
    assert refused.json("quarantine", "restore", "--reason", "empty")["restored"] == 1


def test_discard_takes_ids_or_everything(refused: Home) -> None:
    """An unknown id stops it before anything is removed; `--all` wants to be confirmed."""
    first, _ = refused.lines("quarantine", "list")
    assert refused.run("quarantine", "discard", first["id"], "nosuch").exit_code == 2
    assert len(refused.lines("quarantine", "list")) == 2
    assert refused.run("quarantine", "discard").exit_code == 2
    assert refused.json("quarantine", "discard", first["id"])["discarded"] == 1
    unsure = refused.run("quarantine", "discard", "--all")
    assert unsure.exit_code == 2
    assert "--yes" in unsure.stderr
    assert refused.json("quarantine", "discard", "--all", "--yes")["discarded"] == 1
    assert refused.lines("quarantine", "list") == []


def test_an_id_cannot_lead_out_of_the_quarantine(refused: Home) -> None:
    """An id that contains a path is an unknown id."""
    for wanted in ("../archive", "/etc", "..", "a/b"):
        assert refused.run("quarantine", "discard", "--", wanted).exit_code == 2
    assert (refused.state / "archive").is_dir()
