"""The view of the work: what waits, what came out, what was refused and why.

Plain functions that return frozen dataclasses. Nothing here prints, and nothing changes the work.

==================  ============================================================================
``status``          how everything stands at one moment
``overview``        the same with all that a person looks at first: what is wrong, who does what
``problems``        what is wrong, in sentences with what to do
``health``          whether everything is there that the work needs
``measures``        the numbers of it all, and what was measured since it began
``working``         what each worker's process does now
``redis_snapshot``  what Redis tells of it
``disk``            the room on the disk, and the sizes of spool, archive and quarantine
``feeds``           how the feeds stand
``jobs``            each enqueue, and what was found or polled within an hour
``articles``        the newest, those with some words in them, one with all that is known of it
``quarantine``      what was refused, a page at a time, and a safe look at it
``audit``           every accepted file against its one outcome
``explain``         an article's key, what it matched, and where that came from
``history``         what the archive tells of an article or a file
``reading``         an input read as a worker would, publishing nothing
``schema``          the record's JSON Schema
==================  ============================================================================
"""
