"""What a person does to the work, from the command line or the status page alike.

Plain functions of the settings that return frozen dataclasses; what cannot be done is told before
anything was, by an error of `worker.errors`. They block: a server calls them in a thread.

===============  ===============================================================
``intake``       one enqueue: what both kinds share
``enqueue``      files that were sent, or addresses, accepted as a job
``retry``        refused inputs accepted again
``quarantine``   refused inputs removed for good
``feeds``        feeds added, removed, polled at once, begun anew after failures
``feed_names``   names for feeds that were given none
``fetch_slots``  a bound on what people have fetched at once
``pause``        a source held, and let go on
===============  ===============================================================
"""
