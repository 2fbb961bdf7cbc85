"""The state directory as the service uses it: its folders, and who may read them."""

import errno
import os
from pathlib import Path

from worker.errors import ConfigError
from worker.escape import printable
from worker.settings import paths


class StateDir:
    """A state directory, made absolute. Everything that `up` starts shares it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow links
        self.run = paths.run_dir(self.path)
        self.server = paths.server_dir(self.path)
        self.logs = paths.log_dir(self.path)
        self.lock = paths.lock_file(self.path)
        self.server_pid = self.run / "server.pid"

    @property
    def socket(self) -> Path:
        return paths.embedded_socket(self.path)

    def prepare(self) -> None:
        """Create the folders; only their owner may enter them. Raises ConfigError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (self.run, self.server, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
                status = folder.stat()
                if status.st_mode & 0o077 and status.st_uid == os.getuid():
                    folder.chmod(0o700)
                if not os.access(folder, os.W_OK | os.X_OK):  # another user ran `up` here
                    raise self.unusable(os.strerror(errno.EACCES), folder)
        except (FileExistsError, NotADirectoryError) as error:
            raise ConfigError(
                f"cannot create {printable(error.filename)}: a file is in its place, or in that of "
                "a folder above it; move it away, or choose another state directory with "
                "NEWSDROP_STATE_DIR"
            ) from error
        except OSError as error:
            raise self.unusable(error.strerror) from error

    def unusable(self, why: str | None, folder: Path | None = None) -> ConfigError:
        """The error to raise where the directory, or a folder in it, cannot be used."""
        return ConfigError(
            f"the state directory {printable(folder or self.path)} cannot be used ({why}): "
            "give newsdrop's user permission on it, or choose another with NEWSDROP_STATE_DIR or "
            "state_dir in the config file"
        )
