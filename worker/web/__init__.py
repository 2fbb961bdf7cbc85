"""The status page, the HTTP API, the metrics and health checks, over `queries` and `actions`."""
