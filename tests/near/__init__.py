"""Labelled pairs of made-up articles: which tell the same story, by class. `python -m tests.near`."""
