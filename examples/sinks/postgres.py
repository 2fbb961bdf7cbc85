"""postgres.py URL DSN: keeps the newest revision of each article in the table `articles`.

Exactly once: a second delivery and an older revision change nothing, so several of these may run.
A withdrawn article stays as a row `type = 'article.withdrawn'` whose `record` is the tombstone: its
text is gone, and an older revision that is delivered late cannot bring it back.
A server that is away is waited for. It needs `pip install "psycopg[binary]"`.
"""

import logging
import signal
import sys
import time

import psycopg

from newsdrop.consumer import Consumer, Record

TABLE = """
CREATE TABLE IF NOT EXISTS articles (
    id text PRIMARY KEY, revision int NOT NULL, type text NOT NULL, source text NOT NULL,
    title text NOT NULL, date date, record jsonb NOT NULL
)"""
UPSERT = """
INSERT INTO articles VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET
    revision = excluded.revision, type = excluded.type, source = excluded.source,
    title = excluded.title, date = excluded.date, record = excluded.record
WHERE (excluded.revision, excluded.type) > (articles.revision, articles.type)"""
"""`article.withdrawn` sorts after the others, so a withdrawal of the same revision wins."""


def row(record: Record) -> tuple[object, ...]:
    """PostgreSQL has no NUL in its texts."""
    data = record.data.decode().replace("\\u0000", "")
    title = record.title.replace("\0", "")
    return record.id, record.revision, record.type, record.source, title, record.date, data


def store(dsn: str, records: list[Record], consumer: Consumer) -> bool:
    """One transaction; False if the consumer was stopped while the server was away."""
    while not consumer.is_stopping():
        try:
            with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
                cursor.execute(TABLE)
                # Equal order in all sinks: two transactions cannot wait for each other.
                cursor.executemany(UPSERT, sorted(map(row, records), key=lambda row: row[:2]))
            return True
        except psycopg.OperationalError as error:
            logging.warning("%s: waiting for 5 s", error)
            time.sleep(5)
    return False


def main(url: str, dsn: str) -> None:
    consumer = Consumer(url, group="postgres")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: consumer.stop())
    for records in consumer.batches():
        if not store(dsn, records, consumer):
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
