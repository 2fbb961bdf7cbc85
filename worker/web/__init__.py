"""The status page, the HTTP API, the metrics and the health checks, over `queries` and `actions`.

===========================  ==================================================================
``serve`` ``app``            the server; the application with its routes and health checks
``middleware`` ``security``  what each request passes; Host, Origin, token, form tokens
``pages`` ``api``            packages: the pages and the actions of their forms; the same as JSON
``forms`` ``uploads``        fields of forms; uploaded files, written to disk as they arrive
``responses``                pages, redirects, JSON, raw bytes, errors
``live`` ``shared``          regions of pages as server-sent events; one value for all readers
``rendering`` ``filters``    templates; numbers, times and words in them
``chart`` ``metrics``        articles per minute as bars; the metrics for Prometheus
===========================  ==================================================================
"""
