"""What this node reports of itself with its heartbeats: other nodes do not see its files."""

import socket
from contextlib import suppress

from worker import __version__
from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.health.data_format import FORMAT
from worker.settings import Settings
from worker.settings.clock import read_clocks
from worker.spool.layout import roots
from worker.spool.lockfile import slot_holders
from worker.spool.ownership import check_same_directory, make_id
from worker.spool.waiting import list_waiting
from worker.spool.wanted import WantedPages
from worker.store.service_nodes import NodeReport


def describe_node(settings: Settings) -> NodeReport:
    """This node now; spool folders that cannot be read are left out. Raises OSError or
    SpoolUnavailable where the state directory cannot be used."""
    check_same_directory(settings.state_dir)
    waiting = []
    for root in roots(settings):
        with suppress(SpoolUnavailable):
            waiting += list_waiting(root)
    host = socket.gethostname()
    return NodeReport(
        id=make_id(settings.state_dir),
        name=printable(settings.node_name or host, 64),
        host=host,
        boot=read_clocks().boot,
        data_format=FORMAT,
        version=__version__,
        batches=len(waiting),
        files=sum(batch.files for batch in waiting),
        pages=len(WantedPages(settings.state_dir).names()),
        leases=sum(holder.count for holder in slot_holders(settings.state_dir, "fetch")),
    )
