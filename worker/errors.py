"""Every error newsdrop raises on purpose.

::

    NewsdropError
    ├── ConfigError          the settings are wrong; reported at start, with what to change
    ├── UsageError           the command was called with something that cannot work
    │   ├── NotThere           nothing has the id or the name that was given
    │   └── AlreadyThere       what is there forbids it: a name is taken, a file decides
    ├── Rejected             this input is bad: quarantine it, with a reason for its owner
    └── Retryable            a problem outside the input: leave the work and try again
        ├── StoreUnavailable   Redis does not answer, or is still loading
        │   └── StoreRefused     it refuses our user, password or permissions
        ├── StoreFull          Redis is out of memory (`noeviction` refuses writes)
        ├── SpoolUnavailable   a folder cannot be read or written, or its disk is full
        ├── Busy               the limit of waiting work is reached: nothing was accepted
        └── FetchFailed        a feed or page could not be fetched; `trouble` tells why

Errors of libraries are translated once, at the edge that calls them, with ``raise ... from``.
Messages are written for the person who has to act, and may contain outside text only through
:func:`worker.escape.printable`.
"""

from enum import StrEnum


class NewsdropError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(NewsdropError):
    """A setting is unknown, malformed or contradicts another."""


class WrongValue(ValueError):
    """One value of a setting, a feed or a site rule is wrong, and what is right. A validator raises
    it; `worker.settings.mistakes` adds the key."""


class UsageError(NewsdropError):
    """A command was given something that cannot work (a missing file, an unknown source)."""


class NotThere(UsageError):
    """Nothing has the id or the name that was given."""


class AlreadyThere(UsageError):
    """It conflicts with the present state: the name or the address is taken, or a file decides."""


class Reason(StrEnum):
    """Why an input was refused. Stable: they are in `error.json`, in counters and in the docs."""

    EMPTY = "empty"
    NO_CONTENT = "no_content"
    FRONT_MATTER = "front_matter"
    NOT_TEXT = "not_text"
    MALFORMED = "malformed"
    UNKNOWN_FORMAT = "unknown_format"
    BROKEN_ARCHIVE = "broken_archive"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TOO_DEEP = "too_deep"
    UNSAFE = "unsafe"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"
    WARNING = "warning"
    KILLS_WORKER = "kills_worker"
    INTERNAL = "internal"


class Rejected(NewsdropError):
    """This input is bad. ``str(error)`` tells its owner, in one sentence, what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Retryable(NewsdropError):
    """A problem outside the input: the input stays where it is and is tried again."""


class StoreUnavailable(Retryable):
    """Redis does not answer, refuses the connection or is still loading its data."""


class StoreRefused(StoreUnavailable):
    """Redis refuses the user, password or permissions. Nothing starts with it; a running process
    waits, because the password of a running server can be changed."""


class StoreFull(Retryable):
    """Redis refuses writes because its memory is full."""


class SpoolUnavailable(Retryable):
    """A spool folder cannot be read or written: rights, a vanished mount, a full disk."""


class Busy(Retryable):
    """A limit of waiting work is reached: nothing was accepted; try again later."""


class Trouble(StrEnum):
    """Why an address could not be fetched. Stable: shown at feeds, and in the docs."""

    ADDRESS = "address"
    """The address itself may not be fetched: scheme, port, or a network that is not public."""
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    """The answer is no proper HTTP, or ended early."""
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    REDIRECTS = "redirects"
    STATUS = "status"
    ROBOTS = "robots"


class FetchFailed(Retryable):
    """A feed or page could not be fetched. The message tells its reader why, and what to do.

    `refused` is True where it was not even tried (or no further): only a change of the address or
    of the settings helps.
    """

    def __init__(self, trouble: Trouble, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.refused = refused
