"""Several servers that belong together: a primary with a replica and Sentinels, and a cluster."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from tests.rabbitmq import free_port
from tests.servers import new_directory, wheel_binary

WITHIN = 60.0


def until(there: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WITHIN
    while True:
        with suppress(redis.RedisError):
            if found := there():
                return found
        assert time.monotonic() < deadline, f"no {what} within {WITHIN:.0f} s"
        time.sleep(0.05)


class Node:
    """One server process on a loopback port; `start` and `kill` as often as wanted."""

    def __init__(self, directory: Path, *options: str, port: int = 0) -> None:
        self.directory, self.options = directory, options
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def client(self) -> Any:
        return redis.Redis(
            port=self.port, socket_timeout=5, retry=Retry(NoBackoff(), 0), decode_responses=True
        )

    def start(self) -> "Node":
        command = [wheel_binary()]
        if (file := self.directory / "node.conf").exists():
            command += [str(file)]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        command += ["--daemonize", "no", "--logfile", "server.log", *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        until(lambda: self.client().ping(), f"server on port {self.port}")
        return self

    def pause(self) -> None:
        """Stop the process, which keeps its connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Replicated:
    """A primary, a replica and three Sentinels, which notice a dead primary after half a second."""

    def __init__(self) -> None:
        self.directory = new_directory()
        plain = ("--save", "", "--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        self.servers = [Node(self.directory / f"server-{n}", *plain) for n in range(2)]
        self.sentinels: list[Node] = []

    @property
    def hosts(self) -> str:
        return ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)

    @property
    def url(self) -> str:
        return f"sentinel://{self.hosts}/0?master=news"

    def start(self) -> "Replicated":
        primary, replica = (one.start() for one in self.servers)
        replica.client().replicaof("127.0.0.1", primary.port)
        for n in range(3):
            node = Node(self.directory / f"sentinel-{n}", "--sentinel")
            (node.directory / "node.conf").write_text(
                f"sentinel monitor news 127.0.0.1 {primary.port} 2\n"
                "sentinel down-after-milliseconds news 500\n"
                "sentinel failover-timeout news 3000\n"
            )
            self.sentinels.append(node.start())
        until(self.is_whole, "replica that the Sentinels know")
        return self

    def primary(self) -> Node:
        """The server that the first Sentinel calls the primary."""
        _, port = self.sentinels[0].client().sentinel_get_master_addr_by_name("news")
        return next(one for one in self.servers if one.port == int(port))

    def replica(self) -> Node:
        primary = self.primary()
        return next(one for one in self.servers if one is not primary)

    def is_whole(self) -> bool:
        """Whether the primary has its replica in sync, and every Sentinel knows all of them."""
        primary = self.primary()
        state = primary.client().info("replication")
        if state.get("connected_slaves") != 1 or state["slave0"]["state"] != "online":
            return False
        if self.replica().client().info("replication")["master_link_status"] != "up":
            return False
        for one in self.sentinels:
            state = one.client().sentinel_master("news")
            if state["port"] != primary.port:
                return False
            if (state["num-slaves"], state["num-other-sentinels"]) != (1, 2) or state["is_odown"]:
                return False
            slaves = one.client().sentinel_slaves("news")
            if any(slave["is_sdown"] or slave["is_disconnected"] for slave in slaves):
                return False
        return True

    def fail_over(self, meanwhile: Callable[[], object] = lambda: None) -> Node:
        """Kill the primary and wait until the other server is it; the one that is dead."""
        dead = self.primary()
        dead.kill()
        meanwhile()
        until(lambda: self.primary() is not dead, "new primary")
        return dead

    def end(self) -> None:
        for node in (*self.sentinels, *self.servers):
            node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Cluster:
    """Three primaries with a replica each."""

    def __init__(self) -> None:
        self.directory = new_directory()
        plain = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--save", "")
        plain += ("--appendonly", "yes", "--repl-diskless-sync-delay", "0")
        self.buses = [free_port() for _ in range(6)]  # by default the port and 10,000
        self.nodes = [
            Node(self.directory / f"node-{n}", *plain, "--cluster-port", str(bus))
            for n, bus in enumerate(self.buses)
        ]

    @property
    def url(self) -> str:
        return "cluster://" + ",".join(f"127.0.0.1:{one.port}" for one in self.nodes[:3])

    def start(self) -> "Cluster":
        for node in self.nodes:
            node.start()
        clients = [node.client() for node in self.nodes]
        for n, client in enumerate(clients[:3]):
            first, last = n * 16384 // 3, (n + 1) * 16384 // 3 - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
        for node, bus in zip(self.nodes[1:], self.buses[1:], strict=True):
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        ids = [client.execute_command("CLUSTER", "MYID") for client in clients]
        until(lambda: all(len(self._known(client)) == 6 for client in clients), "six nodes")
        for n, client in enumerate(clients[3:]):
            client.execute_command("CLUSTER", "REPLICATE", ids[n])
        until(self.is_whole, "whole cluster")
        return self

    def _known(self, client: Any) -> list[str]:
        return str(client.execute_command("CLUSTER", "NODES")).splitlines()

    def is_whole(self) -> bool:
        for node in self.nodes:
            info = node.client().execute_command("CLUSTER INFO")
            if info["cluster_state"] != "ok" or info["cluster_size"] != "3":
                return False
        roles = [node.client().info("replication") for node in self.nodes]
        return sorted(one["role"] for one in roles) == ["master"] * 3 + ["slave"] * 3 and all(
            one["master_link_status"] == "up" for one in roles if one["role"] == "slave"
        )

    def serving(self, stream: str) -> Node:
        """The node with the slot of `stream`."""
        slot = key_slot(stream.encode())
        for node in self.nodes:
            with suppress(redis.RedisError):
                for first, last, (_, port, *_), *_ in node.client().execute_command(
                    "CLUSTER", "SLOTS"
                ):
                    if first <= slot <= last:
                        return next(one for one in self.nodes if one.port == port)
        raise AssertionError("no node has the slot")

    @contextmanager
    def half_moved(self, stream: str, *keys: str) -> Iterator[None]:
        """The slot of `stream` on its way, with only `keys` at its new node."""
        rest = self._moving(stream, keys)
        next(rest)
        yield
        next(rest, None)

    def move(self, stream: str) -> None:
        """Move the slot of `stream` to another primary, key by key like redis-cli."""
        for _ in self._moving(stream, ()):
            pass

    def _moving(self, stream: str, first: Sequence[str]) -> Iterator[None]:
        slot, source = key_slot(stream.encode()), self.serving(stream)
        masters = [n for n in self.nodes if n.client().info("replication")["role"] == "master"]
        target = next(node for node in masters if node is not source)
        old, new = source.client(), target.client()
        old_id, new_id = (one.execute_command("CLUSTER", "MYID") for one in (old, new))
        new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
        old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
        if first:
            old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *first)
        yield
        while keys := old.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 3):
            old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for one in (new, old, *(node.client() for node in masters)):
            one.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_id)

    def fail_over(self, stream: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Kill the node that serves `stream`, wait for its replica, and start it again."""
        dead = self.serving(stream)
        dead.kill()
        meanwhile()
        until(lambda: self.serving(stream) is not dead, "new primary")
        dead.start()
        until(self.is_whole, "whole cluster")

    def end(self) -> None:
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
