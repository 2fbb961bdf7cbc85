"""Where files come from: each source only brings raw bytes into the spool.

=================  ====================================================================
``folder``         drop folders: find what is ready, claim it in batches
``in_place``       folders read in place: what is new or changed is copied into batches
``in_place_walk``  what is new or changed in such a folder
``ledger``         what was seen in it: the only module that imports sqlite3
``enqueue``        what a person names becomes batches at once
``fetch_once``     addresses that a person names, fetched at once
``probe``          what is at an address that shall be a feed
``feeds``          feeds: whose turn it is, and what follows from an answer
``pages``          pages that are wanted for their articles' full text
``fetch_loop``     the loop that feeds and pages share
``responses``      what servers' answers mean, for both
``skipped``        what the last look left alone, noted for `status`
``pause``          hold a source, and take from it again
``lookup``         whether a source of a name is configured
=================  ====================================================================
"""
