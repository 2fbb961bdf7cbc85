"""The command `newsdrop`, also as `python -m newsdrop`."""

from worker.cli import main

if __name__ == "__main__":
    main()
