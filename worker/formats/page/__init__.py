"""HTML pages: the article and its metadata."""
