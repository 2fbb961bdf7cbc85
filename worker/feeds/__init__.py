"""Feeds: which there are, and when each is polled next."""
