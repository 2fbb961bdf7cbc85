"""The store: the stream, the index that keeps it free of duplicates, jobs and counters in Redis.

Nothing else in newsdrop imports redis.
"""
