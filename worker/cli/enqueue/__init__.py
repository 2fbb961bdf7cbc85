"""`newsdrop enqueue`."""
