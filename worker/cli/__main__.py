"""`python -m worker.cli` runs `newsdrop`."""

from worker.cli import main

main()
