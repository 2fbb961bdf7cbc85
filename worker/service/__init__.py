"""What `newsdrop up` runs: the embedded server, its children, the file-event listener."""
