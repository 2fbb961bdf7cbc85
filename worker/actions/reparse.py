"""A reparse in the background: ordering it, and giving it up."""

from datetime import datetime

from worker.errors import AlreadyThere, NotThere
from worker.model.times import parse_moment, rfc3339
from worker.pipeline.reparse.background import BackgroundOrder, is_open, read_order, write_order
from worker.pipeline.reparse.state import ReparseOrder
from worker.settings import Settings


def order_reparse(
    settings: Settings, source: str, since: str, now: datetime, *, publish: bool
) -> BackgroundOrder:
    """Have the workers read the archive again: what `source` brought (empty: all), archived `since`
    a time as on the command line (empty: ever). `now` is aware.

    Raises UsageError; AlreadyThere while another order is not finished.
    """
    if is_open(settings.state_dir):
        raise AlreadyThere("the archive is being read already: wait until that is done, or end it")
    begin = parse_moment(since, now) if since else None
    order = ReparseOrder(source or None, begin, publish, since)
    background = BackgroundOrder(rfc3339(now), order)
    write_order(settings.state_dir, background)
    return background


def publish_reparsed(settings: Settings, now: datetime) -> BackgroundOrder:
    """Have what differs by the finished order published: the archive is read once more. Raises
    NotThere where none is finished, or nothing differs."""
    order, run = read_order(settings.state_dir)
    if order is None or run is None or not run.finished_at or not run.state.result.changed:
        raise NotThere("there is nothing to publish: compare the archive first")
    begin = order.order.since
    return order_reparse(
        settings, order.order.source or "", rfc3339(begin) if begin else "", now, publish=True
    )


def cancel_reparse(settings: Settings) -> None:
    """Forget the order. Batches that it has claimed are still published. Raises NotThere."""
    if read_order(settings.state_dir)[0] is None:
        raise NotThere("no reparse was ordered: there is nothing to end")
    write_order(settings.state_dir, None)
