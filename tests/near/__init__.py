"""Labelled pairs of made-up articles: which tell the same story? `python -m tests.near`."""
