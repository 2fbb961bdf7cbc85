"""`newsdrop status`: once, and again and again with `--watch`."""
