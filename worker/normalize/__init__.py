"""What a format said becomes a record: title, date, body, people, tickers and identity.

:func:`normalize` is the whole of it: pure, without a clock, the same for every format.
"""

from worker.normalize.body import HTML_DEPTH
from worker.normalize.folding import fold
from worker.normalize.identity import TitleAndDate, identity_of
from worker.normalize.record import Normalized, normalize

__all__ = ["HTML_DEPTH", "Normalized", "TitleAndDate", "fold", "identity_of", "normalize"]
