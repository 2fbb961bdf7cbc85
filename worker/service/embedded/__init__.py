"""The embedded Redis-compatible server of `newsdrop up`."""
