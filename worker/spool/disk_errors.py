"""Errors of files and folders in words, with what to do: disks that are full, damaged or away."""

import errno
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.translation import mark


def is_of_disk(error: OSError) -> bool:
    """Whether a file or a folder cannot be used, and not a connection."""
    return error.errno in _ADVICE


def disk_problem(error: OSError, path: Path | None = None, *, is_command: bool = False) -> str:
    """What is wrong with the file that an OSError names, or with `path`, and what to do. The
    service continues by itself afterwards; a command (`is_command`) has to be repeated."""
    why = error.strerror or type(error).__name__
    named = error.filename2 or error.filename  # of a rename, the target
    if isinstance(named, str) and not named.endswith(".tmp"):
        path = Path(named)
    advice = _ADVICE.get(error.errno or 0, _CHECK)
    then = _REPEAT if is_command else _RESUMES
    name = mark("a file") if path is None else printable(path)
    return f"{name} cannot be used: {why}; {advice}: {then}"


def disk_failure(
    error: OSError, path: Path | None = None, *, is_command: bool = False
) -> SpoolUnavailable:
    """`disk_problem` as an error."""
    return SpoolUnavailable(disk_problem(error, path, is_command=is_command))


_RESUMES = mark("work resumes by itself")
_REPEAT = mark("then repeat the command")
_CHECK = mark("check the disk's space and the folder's rights")
_IN_THE_WAY = mark("move away what is in its place")
_ADVICE = {
    errno.ENOSPC: mark("free space or inodes on its disk"),
    errno.EDQUOT: mark("free space on its disk, or raise the quota"),
    errno.EACCES: _CHECK,
    errno.EPERM: _CHECK,
    errno.EISDIR: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.ELOOP: _IN_THE_WAY,
    errno.EIO: mark("check the disk, which has errors"),
    errno.ESTALE: mark("mount its disk again"),
    errno.EROFS: mark("mount the disk writable"),
    errno.EMFILE: mark("raise the limit of open files (ulimit -n)"),
    errno.ENFILE: mark("raise the system's limit of open files"),
}
