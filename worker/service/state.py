"""The state directory as the service uses it: its folders made, and who may see them."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from worker.errors import ConfigError
from worker.escape import printable
from worker.settings import paths


@dataclass(frozen=True, slots=True)
class StateDir:
    """One state directory. Everything that `up` starts shares it."""

    path: Path

    @property
    def run(self) -> Path:
        """What lives as long as the service: locks, the pid file, the socket."""
        return paths.run_dir(self.path)

    @property
    def lock(self) -> Path:
        """Locked (`flock`) as long as an `up` runs here; its text is that process's pid."""
        return self.run / "up.lock"

    @property
    def server(self) -> Path:
        """The embedded server's configuration and append-only file."""
        return paths.server_dir(self.path)

    @property
    def server_pid(self) -> Path:
        return self.run / "server.pid"

    @property
    def socket(self) -> Path:
        return paths.embedded_socket(self.path)

    @property
    def logs(self) -> Path:
        return paths.log_dir(self.path)

    def prepare(self) -> None:
        """Make the folders; those that hold data or doors are for their owner only.

        Raises ConfigError if the state directory cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.run, self.server, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
                found = folder.stat()
                if found.st_mode & 0o077 and found.st_uid == os.getuid():
                    folder.chmod(0o700)
                if not os.access(folder, os.W_OK | os.X_OK):  # another user ran `up` here
                    raise self.unusable(os.strerror(errno.EACCES), folder)
        except OSError as error:
            raise self.unusable(error.strerror) from error

    def unusable(self, why: str | None, within: Path | None = None) -> ConfigError:
        """To be raised: what a person can do about it."""
        return ConfigError(
            f"the state directory {printable(within or self.path)} cannot be used ({why}): "
            "give newsdrop's user rights on it, or choose another with NEWSDROP_STATE_DIR or "
            "state_dir in the config file"
        )


def state_of(state_dir: Path) -> StateDir:
    """Of the directory named in the settings; relative names are made absolute."""
    return StateDir(Path(os.path.abspath(state_dir)))  # noqa: PTH100  resolve() would follow links
