"""The profiles `rabbitmq` and `sentinel` of the compose file on a real engine."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.compose.stack import PARTS, SERVICES, Stack, docker, until
from tests.home import article

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

ARTICLES = 300


@contextmanager
def running(profile: str, parts: tuple[str, ...], *words: str, **variables: str) -> Iterator[Stack]:
    """A stack with this profile, whose containers are healthy."""
    folder = Path(tempfile.mkdtemp(prefix="newsdrop-compose-"))
    stack = Stack(folder, variables=variables)
    try:
        stack.up(*words, profile=profile, parts=(*PARTS, *parts))
        yield stack
    finally:
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)


def drop(stack: Stack, name: str) -> None:
    stack.put({f"{name}-{n}.md": article(f"{name}：第{n}号公告") for n in range(ARTICLES)})


def all_published(stack: Stack, count: int) -> None:
    until(lambda: stack.ask("audit")["published"] == count, stack.logs)
    counts = stack.ask("audit")
    assert (counts["accepted"], counts["waiting"], counts["unaccounted"]) == (count, 0, 0)


def test_rabbitmq_is_killed(built: Stack) -> None:
    """Messages go over quorum queues of RabbitMQ; killed and started again, it costs no article."""
    image = SERVICES["rabbitmq"]["image"].split(":-")[1].rstrip("}")
    if not docker("image", "ls", "-q", image).strip():
        pytest.skip(f"not on this machine: {image}")
    with running("rabbitmq", ("rabbitmq",), HOST_BROKER_URL="amqp://newsdrop@rabbitmq") as stack:
        drop(stack, "before")
        all_published(stack, ARTICLES)
        (box,) = stack.containers("rabbitmq")
        lines = docker("exec", box, "rabbitmqctl", "-q", "list_queues", "name", "type").splitlines()
        kinds = [line.split()[1] for line in lines if line.startswith("newsdrop")]
        assert kinds == ["quorum"] * 3
        docker("kill", box)
        drop(stack, "meanwhile")
        docker("start", box)
        all_published(stack, 2 * ARTICLES)


def test_a_replica_takes_over(built: Stack) -> None:
    """The primary is killed: the Sentinels choose the replica, and work continues there."""
    others = ("redis-replica", "sentinel")
    url = "sentinel://sentinel/0?master=news"
    scale = ("--scale", "sentinel=3")
    with running("sentinel", others, *scale, HOST_REDIS_URL=url) as stack:
        drop(stack, "before")
        all_published(stack, ARTICLES)
        docker("kill", *stack.containers("redis"))
        drop(stack, "meanwhile")
        all_published(stack, 2 * ARTICLES)
