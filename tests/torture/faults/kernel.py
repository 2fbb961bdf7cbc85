"""System calls of the real processes fail at random, below Python: libfiu (Debian's fiu-utils)."""

import errno
import os
import shutil
import time

from tests.torture.field import Field, server
from tests.torture.news import Writer
from tests.torture.round import Round, Unavailable

CALLS = (
    ("rw/write", errno.ENOSPC, 0.01),
    ("rw/write/reduce", 1, 0.01),  # one byte less is written
    ("sync/fsync", errno.EIO, 0.02),
    ("sync/fdatasync", errno.EIO, 0.02),
    ("dir/rename", errno.EIO, 0.02),
    ("dir/unlink", errno.EIO, 0.02),
    ("oc/open", errno.EMFILE, 0.00005),  # a start opens thousands
)
"""Failure points of libfiu, errno or bytes, and probability of each call's failure."""


def calls_fail(round_: Round) -> None:
    """Writes, syncs, renames, removals and opens fail; then the same service runs without
    faults."""
    if shutil.which("fiu-run") is None:
        raise Unavailable("no fiu-run (Debian's package fiu-utils)")
    before = ["fiu-run", "-x", "-f", ""]
    for name, what, probability in CALLS:
        point = f"name=posix/io/{name},probability={probability},failinfo={what}"
        before += ["-c", f"enable_random {point}"]
    with server() as redis:
        field = Field(round_, redis)
        with field.service(before=before) as service, Writer(field.news):
            while not round_.is_over:
                time.sleep(0.2)
        text = service.log_text()
        for code in (errno.ENOSPC, errno.EIO, errno.EMFILE):
            round_.happened[f"log lines with {errno.errorcode[code]}"] += text.count(
                os.strerror(code)
            )
        with field.service():
            field.finish()
