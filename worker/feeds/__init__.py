"""Feeds: their configuration, and when each is polled next."""
