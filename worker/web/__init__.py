"""The status page, the HTTP API, the metrics and the health checks, over `view` and `actions`.

===========================  ==================================================================
``serve`` ``app``            the server; the application, its routes and what handlers share
``middleware`` ``security``  what each request passes; Host, Origin, token, form tokens
``pages`` ``api``            packages: the pages and what their forms do; the same as JSON
``forms`` ``uploads``        what forms send; files that are sent, written to disk as they come
``raw``                      refused bytes, to be saved and never shown
``responses`` ``flash``      pages, redirects, what went wrong; what is said of a change
``statuses``                 which HTTP status stands for an error
``live`` ``shared``          regions of pages as server-sent events; one look for all readers
``rendering`` ``filters``    templates into text; numbers, times and words as pages show them
``chart`` ``rates``          articles by the minute as bars; how fast each source's are decided
``metrics`` ``health``       what Prometheus scrapes; what load balancers and containers ask
===========================  ==================================================================
"""
