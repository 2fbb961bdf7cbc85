"""Checks of the nodes that share a stream: no other host works with this state directory, and
none writes data of an older format."""

import time

from worker.errors import ConfigError
from worker.escape import printable
from worker.health.data_format import FORMAT, mark_redis
from worker.settings import Settings
from worker.settings.clock import read_clocks
from worker.spool.ownership import make_id
from worker.store.connection import Client
from worker.store.factory import node_store, page_store, recheck_store
from worker.store.pages import PAGES
from worker.store.rechecks import RECHECKS
from worker.store.server import get_format
from worker.store.service_nodes import NodeReport, NodeStore
from worker.store.workers import BEAT_SECONDS

_LOOK_SECONDS = 0.5


def join(settings: Settings, client: Client) -> None:
    """Check the other nodes, record the format in Redis, and take over what older versions queued.

    Raises ConfigError for what a person has to change, Retryable.
    """
    store = node_store(settings, client)
    refuse_shared_directory(settings, store)
    reports, now_ms = store.list()
    stored = get_format(client, settings.stream.name)
    if stored is not None and stored < FORMAT:
        for node in reports:
            if node.data_format < FORMAT and not node.is_silent(now_ms):
                raise ConfigError(
                    f"the node {printable(node.name)} still writes format {node.data_format}, and "
                    f"this newsdrop writes {FORMAT}: stop the older services first, then start "
                    "the new ones"
                )
    mark_redis(client, settings.stream.name)
    page_store(settings, client).take_over(PAGES)
    recheck_store(settings, client).take_over(RECHECKS)


def refuse_shared_directory(settings: Settings, store: NodeStore) -> None:
    """Raise ConfigError where a service on another host works with this state directory, or with
    the one that this is a copy of. Raises Retryable.

    The last report of a machine that was restarted is recent, too: whether a service is alive, the
    next one shows.
    """
    node, boot = make_id(settings.state_dir), read_clocks().boot
    first, deadline = store.get(node), time.monotonic() + BEAT_SECONDS + 4 * _LOOK_SECONDS
    while (report := store.find_working(node)) and first and report.boot != boot:
        if report.last_seen_ms != first.last_seen_ms:
            raise ConfigError(shared_directory(settings, report))
        if time.monotonic() > deadline:
            return
        time.sleep(_LOOK_SECONDS)


def shared_directory(settings: Settings, other: NodeReport) -> str:
    return (
        f"the state directory {printable(settings.state_dir)} is used by a service on the host "
        f"{printable(other.host)}, too, or is a copy of the one there: give each host a state "
        "directory of its own"
    )
