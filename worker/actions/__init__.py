"""The changes that a person makes, from the command line or the status page alike.

Plain functions of the settings that return frozen dataclasses. They raise an error of
`worker.errors` before they change anything that cannot be done. They block: a server calls them in
a thread.
"""
