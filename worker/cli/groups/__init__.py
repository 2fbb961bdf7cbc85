"""`newsdrop groups` and `newsdrop dead-letters`: consumer groups, and what failed in them."""
