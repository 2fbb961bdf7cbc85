"""Reading the archive again with the present rules, at once or in the background."""
