"""newsdrop: drop articles in; get one clean, deduplicated record each out of a Redis stream."""

__version__ = "0.1.0"
