"""The body of an article: parsed once, walked once, written as clean HTML and as text."""
