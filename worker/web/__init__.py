"""The status page, the HTTP API, the metrics and the health checks, over `view` and `actions`."""
