"""The peer that polls feeds: lemon24's `reader`, as its own documents use it.

`python -m bench.reader_peer DATABASE WORKERS URL…` adds the feeds, says `ready`, waits for a line
on standard input, calls `update_feeds(workers=WORKERS)`, and prints the seconds and the entries.
"""

import sys
import time

from reader import make_reader


def main(database: str, workers: int, urls: list[str]) -> None:
    with make_reader(database) as reader:
        for url in urls:
            reader.add_feed(url)
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.monotonic()
        reader.update_feeds(workers=workers)
        seconds = time.monotonic() - begun
        print(seconds, reader.get_entry_counts().total, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
