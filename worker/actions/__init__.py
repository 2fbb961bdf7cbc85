"""What a person changes, from the command line or the status page alike.

Plain functions of the settings that return frozen dataclasses. They raise an error of
`worker.errors` before they change anything that cannot be done. They block: a server calls them in
a thread.

==============  ==================================================================
``intake``      one enqueue: the part that all kinds share
``enqueue``     uploaded files, or documents at addresses, accepted as a job
``quarantine``  refused inputs: accept them again, or discard them
``feeds``       feeds: add, remove, poll now, reset errors
``feed_names``  names for feeds that were added without one
``pause``       pause a source, and resume it
==============  ==================================================================
"""
