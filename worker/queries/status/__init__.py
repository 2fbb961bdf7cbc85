"""The status of the service: its nodes, its sources, its numbers, and its problems."""
