"""A proxy between client and server that loses replies."""

import socket
import threading
from pathlib import Path


class LossyProxy:
    """A proxy on a Unix socket; `lose_next()` drops the next reply and its connection."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.path = directory / "lossy.sock"
        self.lost = threading.Event()
        self._server = server
        self._lose = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def lose_next(self) -> None:
        self.lost.clear()
        self._lose.set()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            for pump in (self._requests, self._replies):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while sent := client.recv(65_536):
                server.sendall(sent)
        except OSError:
            return

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while reply := server.recv(65_536):
                if self._lose.is_set():
                    self._lose.clear()
                    client.shutdown(socket.SHUT_RDWR)
                    self.lost.set()
                    return
                client.sendall(reply)
        except OSError:
            return
