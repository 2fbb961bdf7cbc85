"""The pipeline: from a file that waits to an article in the stream.

==================  ========================================================
``scan``            look at the drop folders: claim what is ready
``poll``            fetch the feeds and pages that are due
``drain``           take waiting batches, one by one, for a slice of time
``ingest``          the sequence for one batch: batch → outcomes
``process``         what becomes of each entry of a batch
``publisher``       articles published in bounded calls, outcomes journalled
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
