"""RawArticles to records: title, date, body, people, tickers and identity.

:func:`normalize` does all of it: pure, without a clock, the same for every format.
"""

from worker.normalize.body.fragment import HTML_DEPTH
from worker.normalize.identity import TitleAndDate, make_identity
from worker.normalize.record import Normalized, normalize
from worker.normalize.title import fold

__all__ = ["HTML_DEPTH", "Normalized", "TitleAndDate", "fold", "make_identity", "normalize"]
