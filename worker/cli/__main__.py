"""`python -m worker.cli` is `newsdrop`."""

from worker.cli import main

main()
