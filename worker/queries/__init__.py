"""What a person sees: the state of the service, its output, and what was refused and why.

Plain functions that return frozen dataclasses. Nothing here prints or changes anything.

==================  ===============================================================
``overview``        everything a person looks at first, in one value
``status``          counts of files and articles, queue, feeds and sources
``problems``        what is wrong, in sentences with what to do
``activity``        what each worker process is doing
``disk``            free space, and the sizes of spool, archive and quarantine
``redis_snapshot``  what the overview reads from Redis, over one connection
``health``          whether everything is there that the service needs
``metrics``         the values for /metrics: the overview, and totals since the start
``feeds``           the state of each feed
``jobs``            what each enqueue, or one source within an hour, brought in
``articles``        the newest articles, a search, one article with its history
``quarantine``      refused inputs, a page at a time, and a safe preview
``audit``           every accepted file against its one outcome
``explain``         an article's key, what it matched, and where that came from
``history``         past decisions in the archive about an article or a file
``records``         the record's JSON Schema; reading an input without publishing it
==================  ===============================================================
"""
