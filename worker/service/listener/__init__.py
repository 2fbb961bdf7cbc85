"""The file-event listener."""
