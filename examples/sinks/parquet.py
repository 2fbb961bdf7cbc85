"""parquet.py URL FOLDER: writes the records as Parquet, one folder a day: `date=2023-04-18/…`.

Each batch makes a file a day, named by its first entry, complete when it has its name, and on the
disk before the batch is acknowledged. A record that is delivered again makes another file: readers
take the highest `revision` of each `id`, whatever its folder (a revision can have another date). If
the `type` of that row is `article.withdrawn`, it has no text, and the article is not valid.
It needs `pip install pyarrow`.
"""

import logging
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from newsdrop.consumer import Consumer, Record

TEXTS = ("id", "type", "source", "title", "url", "language", "date_published", "content_text")
SCHEMA = pa.schema(
    {name: pa.string() for name in (*TEXTS, "data")}
    | {"revision": pa.int32(), "tickers": pa.list_(pa.string())}
)


def write(folder: Path, records: list[Record]) -> None:
    """One file a day. Raises OSError."""
    days: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        days[record.date or "undated"].append(record)
    for day, group in days.items():
        place = folder / f"date={day}"
        place.mkdir(parents=True, exist_ok=True)
        part = place / f".{group[0].stream_id}.part"
        pq.write_table(pa.Table.from_pylist([row(one) for one in group], SCHEMA), part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(place / f"{group[0].stream_id}.parquet")


def row(record: Record) -> dict[str, object]:
    article = record.article
    return {
        **{name: getattr(record, name) for name in ("id", "revision", "type", "source", "title")},
        **{name: getattr(article, name) for name in ("url", "language", "content_text")},
        "date_published": article.date_published,
        "tickers": [ticker.symbol for ticker in article.tickers],
        "data": record.data.decode(),
    }


def main(url: str, folder: str) -> None:
    consumer = Consumer(url, group="parquet", batch=1000)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: consumer.stop())
    for records in consumer.batches():
        while not consumer.is_stopping():
            try:
                write(Path(folder), records)
                break
            except OSError as error:
                logging.warning("%s: waiting for 5 s", error)
                time.sleep(5)
        else:
            return  # stopped while the disk was full: the batch comes again


if __name__ == "__main__":
    main(*sys.argv[1:])
