"""The programs of examples/, run against the real targets."""
