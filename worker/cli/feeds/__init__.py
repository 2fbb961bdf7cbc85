"""`newsdrop feeds`."""
