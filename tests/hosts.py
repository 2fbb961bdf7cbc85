"""Hosts: network namespaces, each with a link to this machine that can be cut."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class NotPermitted(Exception):
    """This machine does not allow us to make network namespaces."""


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace; this machine has the address `gateway` on the link to it."""

    name: str
    link: str
    gateway: str
    address: str

    @property
    def before(self) -> list[str]:
        """The words before a command that run it on the host."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """From now on packets vanish both ways; no connection is closed."""
        _run("ip", "link", "set", self.link, "down")

    def restore(self) -> None:
        _run("ip", "link", "set", self.link, "up")


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """`count` hosts, gone afterwards. Raises NotPermitted."""
    made: list[Host] = []
    try:
        for number in range(count):
            made.append(_make(number))
        yield made
    finally:
        for host in made:
            subprocess.run(["ip", "netns", "delete", host.name], check=False)
            subprocess.run(["ip", "link", "delete", host.link], capture_output=True, check=False)


def _make(number: int) -> Host:
    """Names and addresses are of this process: several tests run at once."""
    place = os.getpid() * 4 + number
    subnet = f"10.{200 + place // 4096 % 50}.{place // 16 % 256}"
    first = place % 16 * 16
    host = Host(f"nd{place}", f"nd{place}a", f"{subnet}.{first + 1}", f"{subnet}.{first + 2}")
    there = f"nd{place}b"
    _run("ip", "netns", "add", host.name)
    try:
        _run("ip", "link", "add", host.link, "type", "veth", "peer", "name", there)
        _run("ip", "link", "set", there, "netns", host.name)
        _run("ip", "address", "add", f"{host.gateway}/28", "dev", host.link)
        _run("ip", "link", "set", host.link, "up")
        for command in (
            ["address", "add", f"{host.address}/28", "dev", there],
            ["link", "set", there, "up"],
            ["link", "set", "lo", "up"],
        ):
            _run(*host.before, "ip", *command)
    except NotPermitted:
        subprocess.run(["ip", "netns", "delete", host.name], check=False)
        raise
    return host


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotPermitted(f"{command[0]} is not there") from error
    if done.returncode:
        raise NotPermitted(f"{' '.join(command)}: {done.stderr.strip()}")
