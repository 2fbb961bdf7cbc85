"""The read model: a searchable copy of the archive's decisions and their records, in SQLite.

It holds no truth: it can be removed at any time, and is built again from the archive. Nothing of
the pipeline waits for it.
"""
