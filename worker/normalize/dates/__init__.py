"""Texts of dates to moments with their precision, and the choice among the dates of an article."""
