"""Between service and server: replies lost and late, connections cut."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.torture.field import Field, server
from tests.torture.news import Writer
from tests.torture.proxy import Proxy
from tests.torture.round import Round


def lost(round_: Round) -> None:
    """The server publishes, and the worker gets no reply."""
    _repeat(round_, lambda proxy: proxy.lose_scripts(round_.random.randint(1, 3)))


def cut(round_: Round) -> None:
    """All connections at once, whatever they carry."""
    _repeat(round_, lambda proxy: proxy.cut())


def delayed(round_: Round) -> None:
    """Each reply comes up to half a second late."""
    _repeat(round_, lambda proxy: proxy.delay(round_.random.choice([0, 0.05, 0.5])))


def _repeat(round_: Round, act: Callable[[Proxy], None]) -> None:
    with _field(round_) as (field, proxy):
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.1, 1.5))
                act(proxy)
        proxy.lose_scripts(0)
        proxy.delay(0)
        field.finish()
        round_.happened += proxy.happened


@contextmanager
def _field(round_: Round) -> Iterator[tuple[Field, Proxy]]:
    with server() as redis:
        proxy = Proxy(redis.socket)
        try:
            field = Field(round_, redis, url=proxy.url)
            with field.service():
                yield field, proxy
        finally:
            proxy.close()
