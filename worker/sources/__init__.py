"""Sources: each brings raw bytes into the spool, and nothing else."""
