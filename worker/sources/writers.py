"""Whether a process still holds a file open for writing, as the kernel of this machine knows."""

import fcntl
import os
import signal

from worker.spool.layout import READ_REGULAR


def has_writer(name: str, folder_fd: int) -> bool:
    """True if a regular file in the folder is open for writing on this machine.

    The kernel grants a read lease only for a file that nobody writes (fcntl(2), F_SETLEASE); it is
    released at once. False in doubt: leases are for the file's owner and for root, and network file
    systems have none.
    """
    try:
        fd = os.open(name, READ_REGULAR, dir_fd=folder_fd)
    except OSError as error:
        return isinstance(error, BlockingIOError)  # leased to one who writes, such as Samba
    try:
        # A writer that comes now is announced by a signal. The default, SIGIO, would end this
        # process; SIGURG is ignored unless somebody handles it.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(fd)
    return False
