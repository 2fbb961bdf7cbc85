"""What is trusted: the usual certificates, and those the operator adds."""

import ssl
from functools import lru_cache
from pathlib import Path

import httpcore

from worker.errors import ConfigError
from worker.escape import printable


@lru_cache(maxsize=4)
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts the usual certificates and those in `ca_file` (PEM). Made once a process: 30 ms.

    Raises ConfigError where the file cannot be read, or holds none.
    """
    context = httpcore.default_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # ssl.SSLError is one
            why = (
                "it has no certificate in PEM"
                if isinstance(error, ssl.SSLError)
                else error.strerror
            )
            said = f"fetch.ca_file {printable(ca_file)} cannot be used: {why}"
            raise ConfigError(said) from error
    return context
