"""The peer: an afternoon's Celery script, done well.

One message a file; the task splits at `---`, reads the front matter with PyYAML and the body with
BeautifulSoup over lxml, and asks a plain key whether the article is new. It keeps no spool, no
journal, no archive, loses a message with its worker, and writes a duplicate after a lost reply.
"""

import hashlib
import json
import os
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import redis
import yaml
from bs4 import BeautifulSoup
from celery import Celery

STREAM = "naive:articles"
URL = "NAIVE_REDIS_URL"


def create_app(url: str) -> Celery:
    """The application, its broker at the Unix socket `url`."""
    app = Celery("naive", broker=f"redis+socket://{urlsplit(url).path}")
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=8,
        broker_connection_retry_on_startup=True,
    )
    app.task(name="naive.ingest")(ingest)
    return app


def ingest(path: str) -> None:
    """Publish one file, unless its title and date were published before."""
    _, head, body = Path(path).read_text("utf-8").split("---", 2)
    meta = yaml.safe_load(head)
    date = parsedate_to_datetime(meta["date"])
    soup = BeautifulSoup(body, "lxml")
    record = {
        "title": meta["title"],
        "date": date.isoformat(),
        "author": meta.get("author"),
        "tags": meta.get("categories"),
        "html": str(soup),
        "text": soup.get_text("\n", strip=True),
        "images": [image.get("src") for image in soup.find_all("img")],
        "links": [{"url": a.get("href"), "text": a.get_text()} for a in soup.find_all("a")],
    }
    key = hashlib.sha256(f"{record['title']}|{date.date()}".encode()).hexdigest()
    if _client().set(f"seen:{key}", 1, nx=True):
        data = json.dumps(record, ensure_ascii=False)
        _client().xadd(STREAM, {"title": record["title"], "data": data})


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ[URL])


app = create_app(os.environ.get(URL, ""))
