"""The pages, and the actions of their forms.

Each module has `routes`; those with live regions have `views`, too (:mod:`worker.web.live`).
"""
