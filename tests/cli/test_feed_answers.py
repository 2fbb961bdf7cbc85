"""Feeds: answers of servers that keep a feed from being read, and what a person sees of that."""

from datetime import timedelta

from tests.cli.test_feeds import feed, polled, web
from tests.home import Home
from tests.http_server import Reply, Web
from worker.model.times import rfc3339
from worker.settings.clock import utc_now

__all__ = ["web"]


def state(home: Home, name: str) -> dict[str, object]:
    found: dict[str, object] = home.json("feeds", "show", name)["state"]
    return found


def test_a_pause_that_a_host_asked_for_is_shown_at_all_its_feeds(home: Home, web: Web) -> None:
    """Also at one that does not fail, with the next poll; `reset-errors` ends the pause."""
    web.pages["/calm"] = Reply(body=feed("甲"))
    web.pages["/busy"] = Reply(429, headers={"retry-after": "999999999"})
    home.json("feeds", "add", web.url("/calm"), "--name", "calm")
    polled(home)
    home.json("feeds", "add", web.url("/busy"), "--name", "busy", "--no-check")
    polled(home)
    calm, tomorrow = state(home, "calm"), rfc3339(utc_now() + timedelta(hours=23))
    assert (calm["status"], calm["error"]) == ("ok", None)
    assert calm["next_poll"] == calm["host_pause"] > tomorrow
    listed = home.run("feeds", "list").stdout
    assert "calm: its host asked for a pause and is contacted again in 24 h" in listed
    assert "host pauses until" in home.run("feeds", "show", "calm").stdout
    count = len(web.requests_for("/calm"))
    home.run("feeds", "refresh", "calm")
    polled(home)
    assert len(web.requests_for("/calm")) == count
    home.run("feeds", "reset-errors", "calm")
    polled(home)
    assert len(web.requests_for("/calm")) == count + 1
    assert state(home, "calm")["host_pause"] is None


def test_304_to_an_unconditional_request_is_a_failure(home: Home, web: Web) -> None:
    """A feed that never sent a document would count as unchanged for ever."""
    web.pages["/feed"] = Reply(304)
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour", "--no-check")
    polled(home)
    assert state(home, "harbour")["status"] == "failing"
    assert "answers 304 (not modified)" in str(state(home, "harbour")["error"])


def test_explain_of_a_feed_that_brought_nothing_names_the_feed(home: Home, web: Web) -> None:
    """Title and date of an article do not help where the feed itself fails."""
    web.pages["/feed"] = Reply(404)
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour", "--no-check")
    polled(home)
    assert "`newsdrop feeds show harbour` tells why" in home.run("explain", web.url("/feed")).stderr
