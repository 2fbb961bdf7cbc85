"""RawArticles to records: title, date, body, people, tickers and identity.

:func:`normalize` does all of it: pure, without a clock, the same for every format.

==============  ===================================================================
``record``      the sequence: first the identity, then the rest of the record
``body``        HTML to clean HTML, text, pictures and links
``walk``        the one pass over a body: text, highlights, links, pictures
``tree``        block elements; operations on lxml's tree; captions of pictures
``selectors``   a rule's CSS selectors, matched during the walk
``sanitize``    the HTML that a record may hold
``flattening``  bodies nested too deeply, made shallow
``images``      real addresses of pictures; adverts and random covers
``urls``        addresses made absolute and safe
``title``       the title, or a substitute; the folded title of the key
``dates``       dates parsed; the calendar date of the key
``people``      authors, editor, publisher
``tickers``     securities in text, links and comments
``language``    the language of a text; its length in words
``identity``    the key and the content hash
``strings``     outside text made valid for a record
==============  ===================================================================
"""

from worker.normalize.body import HTML_DEPTH
from worker.normalize.identity import TitleAndDate, identity_of
from worker.normalize.record import Normalized, normalize
from worker.normalize.title import fold

__all__ = ["HTML_DEPTH", "Normalized", "TitleAndDate", "fold", "identity_of", "normalize"]
