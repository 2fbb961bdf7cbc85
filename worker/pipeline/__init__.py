"""The pipeline: from a file that waits to an article in the stream.

==================  ========================================================
``scan``            look at the drop folders: claim what is ready
``poll``            fetch the feeds and pages that are due
``drain``           take waiting batches, one by one, for a slice of time
``ingest``          the sequence for one batch, from its files to the archive
``batch_run``       one run over a batch: read, look up, parse, publish, journal
``feed_run``        the same for the entries of a feed's document
``publisher``       publish in calls of bounded size; refuse into the quarantine
``extract``         bytes → articles
``feed_documents``  the same for feeds and their pages
``feed_stats``      what the outcomes mean for each feed
``ports``           what the pipeline works with; the store as protocols
``timing``          how long each stage takes
``context``         everything a process works with, opened once
``replay``          publish archived articles again
``recover``         replay the last minutes after a restart of Redis
``cleanup``         remove what has expired
==================  ========================================================
"""
