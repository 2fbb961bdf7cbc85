"""The pipeline: from a file that waits to an article in the stream."""
