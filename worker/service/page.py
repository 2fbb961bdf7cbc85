"""The status page as a child of `up`: its port is opened here, its process may come and go."""

from dataclasses import dataclass

from worker.service.part import PYTHON
from worker.service.port import address_of, open_port
from worker.service.supervise import Child
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Page:
    """Where it is found, and what is run for it."""

    address: str
    child: Child


def open_page(settings: Settings) -> Page:
    """The page at `web.port`, or at the next port that is free: several services may run side by
    side. Raises ConfigError where it would let in more than this machine without a token."""
    listening = open_port(settings, or_another=True)
    address = address_of(listening)
    fd = listening.detach()  # as long as this process lives
    command = (*PYTHON, "-m", "worker.cli", "web", "--fd", str(fd))
    # Articles are ingested without it: it is begun again and again, and never stops the rest.
    return Page(address, Child("web", command, excuse=lambda: True, keeps=(fd,)))
