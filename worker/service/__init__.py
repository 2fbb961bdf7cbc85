"""The processes of `newsdrop up`: the embedded server, its children, the file-event listener."""
