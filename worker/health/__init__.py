"""What must hold before newsdrop starts, and while it runs."""
