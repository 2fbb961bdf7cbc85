"""What a person does to the work, from the command line or the status page alike."""
