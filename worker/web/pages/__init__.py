"""The pages, and the actions of their forms.

Each module has `routes`; those with live regions have `views`, too (:mod:`worker.web.live`).

==============  ===============================================================
``overview``    whether it works, what came out, what is wrong
``jobs``        what each enqueue, scan, poll and retry brought in
``articles``    the newest articles, search, one article; explain
``quarantine``  refused inputs, the reasons, and what to do with them
``feeds``       the feeds, the state of each, and what to do with them
``enqueue``     files and addresses to accept
``login``       the token, where one is set
==============  ===============================================================
"""
