"""A proxy between a client and its server that cuts, delays and loses replies."""

import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path


class Proxy:
    """Forwards a loopback TCP port to the server's Unix socket. `happened` counts cut connections,
    late replies, broken messages and lost replies of scripts (which the server has run)."""

    def __init__(self, server: Path) -> None:
        self.happened: Counter[str] = Counter()
        self._server = server
        self._delay = 0.0
        self._scripts_to_lose = 0
        self._break_before: bytes | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """Cut every connection."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            _end(connection)
        self.happened["connections cut"] += len(connections) // 2

    def delay(self, seconds: float) -> None:
        """From now on each reply is this much later."""
        self._delay = seconds

    def lose_scripts(self, count: int) -> None:
        """Drop the replies of the next scripts and cut their connections."""
        with self._lock:
            self._scripts_to_lose = count

    def move(self, server: Path) -> None:
        """Forward to another server from now on; every connection is cut."""
        self._server = server
        self.cut()

    def break_before(self, part: bytes) -> None:
        """End the next request or reply before `part` in it, and cut its connection."""
        self._break_before = part

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _end(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server))
            except OSError:  # the server is down
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            ran_script = threading.Event()
            for pump in (self._requests, self._replies):
                args = (client, server, ran_script)
                threading.Thread(target=pump, args=args, daemon=True).start()

    def _requests(
        self, client: socket.socket, server: socket.socket, ran_script: threading.Event
    ) -> None:
        with suppress(OSError):
            while sent := client.recv(65_536):
                if b"EVALSHA" in sent[:64] and b"newsdrop:articles" in sent:
                    ran_script.set()
                if self._breaks(sent, server):
                    break
                server.sendall(sent)
        self._forget(client, server)

    def _replies(
        self, client: socket.socket, server: socket.socket, ran_script: threading.Event
    ) -> None:
        with suppress(OSError):
            while reply := server.recv(65_536):
                if ran_script.is_set() and self._loses(reply):
                    break
                ran_script.clear()
                if self._breaks(reply, client):
                    break
                if self._delay:
                    time.sleep(self._delay)
                    self.happened["replies delayed"] += 1
                client.sendall(reply)
        self._forget(client, server)

    def _breaks(self, data: bytes, to: socket.socket) -> bool:
        part = self._break_before
        if part is None or part not in data:
            return False
        self._break_before = None
        to.sendall(data[: data.index(part)])
        self.happened["broken off"] += 1
        return True

    def _loses(self, reply: bytes) -> bool:
        # Only the publish script answers with a list of decisions.
        if b"published" not in reply:
            return False
        with self._lock:
            if not self._scripts_to_lose:
                return False
            self._scripts_to_lose -= 1
            self.happened["publish replies lost"] += 1
            return True

    def _forget(self, *connections: socket.socket) -> None:
        for connection in connections:
            _end(connection)
        with self._lock:
            self._open -= set(connections)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
