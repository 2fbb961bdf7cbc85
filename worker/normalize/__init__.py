"""What a format said becomes a record: title, date, body, people, tickers and identity.

:func:`normalize` is the whole of it: pure, without a clock, the same for every format.

==============  ==================================================================
``record``      the sequence: what is needed for the identity, then the record
``body``        HTML parsed, cleaned, sanitised, read
``walk``        the one pass over a body: text, highlights, links, pictures, marks
``tree``        small operations on lxml's tree; whose caption is whose
``selectors``   a rule's CSS selectors, matched in the walk
``blocks``      which elements begin a line
``sanitize``    what HTML a record may hold
``deep``        bodies nested too deeply, made shallow
``images``      real addresses of pictures; adverts and random covers
``urls``        addresses made absolute and safe
``title``       the title, or what stands in for it
``dates``       dates read, and the calendar date of the key
``people``      authors, editor, publisher
``tickers``     securities in text, links and comments
``language``    the language, where nobody says
``words``       counting words of Chinese and English
``folding``     a title as the key has it
``identity``    the key and the content's hash
``strings``     outside text made fit for a record
==============  ==================================================================
"""

from worker.normalize.body import HTML_DEPTH
from worker.normalize.folding import fold
from worker.normalize.identity import TitleAndDate, identity_of
from worker.normalize.record import Normalized, normalize

__all__ = ["HTML_DEPTH", "Normalized", "TitleAndDate", "fold", "identity_of", "normalize"]
