"""Feeds in the pipeline: polled, divided into entries, published, counted for their intervals."""
