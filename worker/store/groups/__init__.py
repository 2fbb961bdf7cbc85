"""Consumer groups: their state, their position, their dead letters, and their past."""
