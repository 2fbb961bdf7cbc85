"""The pages, a module each: what they look at, and what their forms do.

Each has `routes`; those that are watched have a `view`, too, which says what their regions are
(:mod:`worker.web.live`).
"""
