"""Public sets with their truth, read in place (`../shared`), and our result for each item."""
