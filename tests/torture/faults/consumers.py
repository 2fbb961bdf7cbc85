"""The consumer of the stream: killed at any time."""

from tests.newsdrop.stream import Reader, kill_again_and_again
from tests.torture.field import server
from tests.torture.round import Figures, Round

KILLS = 50
BATCH = 40


def killed(round_: Round) -> None:
    """50 kills of a consumer between any two of its steps, while entries are published: each is
    handled, and what was acknowledged is not handled again."""
    with server() as redis:
        file = round_.directory / "handled"
        reader = Reader(redis.url, file, "time.sleep(0.002)", "batch=16")
        pauses = iter(lambda: round_.random.uniform(0, 0.06), None)
        found = kill_again_and_again(redis.client(), reader, KILLS, pauses, BATCH)
    round_.happened["consumers killed"] += found.kills
    round_.happened["records handled again"] += found.redelivered
    handled = found.entries - found.missing
    round_.add(Figures(found.entries, handled, lost=found.missing, doubled=found.repeated))
