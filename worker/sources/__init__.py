"""Sources: each brings raw bytes into the spool, and nothing else.

===============  ========================================================================
``folder``       drop folders: find the files that are ready, claim them
``in_place``     folders read in place: when they are walked; new and changed files are copied
``changes``      the new and changed files of such a folder
``ledger``       the files seen in it: the only module that imports sqlite3
``walk``         walking a folder, for the modules above and for ``enqueue``; file names
``scan_result``  what both kinds of scans share: request, claiming, skipped files
``enqueue``      files and folders that a person names become batches
``fetch_once``   addresses that a person names, fetched at once
``probe``        what is at an address that is to become a feed
``feeds``        feeds: which are due, and what follows from an answer
``pages``        wanted pages of articles whose feed asks for full text
``fetch_loop``   the loop that feeds and pages share
``responses``    what status codes mean, for both
``registry``     the names of the configured sources; pausing them
===============  ========================================================================
"""
