"""Batches in the pipeline: drained one after the other, read, published and archived."""
