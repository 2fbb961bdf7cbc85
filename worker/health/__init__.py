"""Checks before newsdrop starts, and while it runs."""
