"""The state of feeds as data."""

from tests.home import Home
from worker.feeds import managed
from worker.feeds.schedule import FIRST_SECONDS
from worker.pipeline.feeds.poll import poll
from worker.queries.feeds import FeedStatus, list_feeds
from worker.settings.clock import utc_now


def _add(home: Home, count: int, **keys: object) -> None:
    with managed.edit_feeds(home.state) as mine:
        for number in range(count):
            name = f"feed-{number}"
            mine[name] = {"name": name, "url": f"https://h{number % 99}.example/{number}", **keys}


def test_a_feed_that_was_never_polled(home: Home) -> None:
    """It is new, with the first interval; the next poll is known once the store has the feed."""
    _add(home, 1)
    (one,) = list_feeds(home.settings(), utc_now()).feeds
    assert (one.status, one.next_poll, one.interval_seconds) == (
        FeedStatus.NEW, None, FIRST_SECONDS,
    )  # fmt: skip
    poll(home.context(), notify=lambda: None)
    now = utc_now()
    view = list_feeds(home.settings(), now)
    assert view.feeds[0].next_poll == view.at
    assert view.feeds[0].last_poll is None


def test_a_schedule_has_no_interval(home: Home) -> None:
    """Cron says when it is polled, so that no number of seconds is shown for it."""
    _add(home, 1, schedule="*/5 9-15 * * 1-5")
    (one,) = list_feeds(home.settings(), utc_now()).feeds
    assert (one.schedule, one.interval_seconds) == ("*/5 9-15 * * 1-5", None)


def test_without_redis_the_configured_feeds_are_listed(lonely: Home) -> None:
    """The view has a problem, and each feed its configuration."""
    _add(lonely, 2)
    view = list_feeds(lonely.settings(), utc_now())
    assert view.problem
    assert [(one.name, one.status) for one in view.feeds] == [
        ("feed-0", FeedStatus.UNKNOWN), ("feed-1", FeedStatus.UNKNOWN),
    ]  # fmt: skip
