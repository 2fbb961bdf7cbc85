"""On PYTHONPATH: parsing a document with the words `loops for ever` loops in C, like a bug of a
library."""

import itertools
from typing import Any


def _patch() -> None:
    from worker.pipeline import extract

    real = extract.parse_document

    def parse(document: Any, context: Any) -> Any:
        if b"loops for ever" in document.data:
            all(itertools.repeat(True))  # never looks for a signal
        return real(document, context)

    extract.parse_document = parse


_patch()
