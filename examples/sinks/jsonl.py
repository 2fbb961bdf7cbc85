"""jsonl.py URL FOLDER [BYTES]: appends each record as one line of JSON, in files of about BYTES.

A line is the record with its `type` and `revision`. Take the highest `revision` of each `id`; a
tombstone (`article.withdrawn`) says when and why. After a crash a line can come twice. A file is
`articles.part` until it is full. Batches are synced before they are acknowledged.
"""

import fcntl
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

from newsdrop.consumer import Consumer, Record


def line(record: Record) -> bytes:
    values = {"type": record.type, "revision": record.revision} | json.loads(record.data)
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


class Lines:
    """The open file. One process at a time may write into a folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.max_bytes = folder, max_bytes
        self.part = folder / "articles.part"
        self.lock = (folder / ".lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another sink writes into {folder}: give this one a folder of its own")
        if self.part.exists():  # a crash may have torn the last line
            os.truncate(self.part, self.part.read_bytes().rfind(b"\n") + 1)

    def append(self, records: list[Record]) -> None:
        """Write all records or none. Raises OSError."""
        with self.part.open("ab") as file:
            size = file.tell()
            try:
                file.write(b"".join(map(line, records)))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self.part, size)
                raise
        if self.part.stat().st_size >= self.max_bytes:
            self.rotate(records[-1].stream_id)

    def rotate(self, last_id: str) -> None:
        """Give the file its name, which holds the ID of its last entry."""
        self.part.rename(self.folder / f"articles-{last_id}.jsonl")
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def main(url: str, folder: str, max_bytes: str = "100000000") -> None:
    lines, consumer = Lines(Path(folder), int(max_bytes)), Consumer(url, group="jsonl")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: consumer.stop())
    for records in consumer.batches():
        while not consumer.is_stopping():
            try:
                lines.append(records)
                break
            except OSError as error:
                logging.warning("%s: waiting for 5 s", error)
                time.sleep(5)
        else:
            return  # stopped while the disk was full: the batch comes again


if __name__ == "__main__":
    main(*sys.argv[1:])
