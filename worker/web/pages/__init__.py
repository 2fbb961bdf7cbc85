"""The pages: what they look at, and what their forms do.

Each has `routes`; those that are watched have a view, too, which says what their regions are
(:mod:`worker.web.live`).

==============  ===============================================================
``overview``    is it working, what came out, what is wrong
``jobs``        what each enqueue, scan, poll and retry brought
``articles``    the newest; looking for one; one as a person reads it
``explain``     an article's key, what it matched, where that came from
``quarantine``  what was refused, why, and what to do with it
``feeds``       what is polled, how it stands, changing that
``enqueue``     files that are sent, addresses that are pasted
``login``       the token, where one is set
==============  ===============================================================
"""
