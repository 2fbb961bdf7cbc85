"""webhook.py URL TARGET: posts each record as JSON to TARGET, signed with the key in WEBHOOK_KEY.

The receiver computes HMAC-SHA256 of `<X-Newsdrop-Time>.<body>` with the key, and compares it with
`X-Newsdrop-Signature`; it refuses an old time. A second delivery has the same `X-Newsdrop-Entry`.
`X-Newsdrop-Type` is `article.published`, `article.revised` (the body is the whole record again) or
`article.withdrawn` (the body is the tombstone), `X-Newsdrop-Revision` its revision.
An answer of 2xx is success; 429, 5xx and no answer are tried again, later revisions of the article
wait meanwhile; any other answer counts as a failure, after five it becomes a dead letter.
"""

import hashlib
import hmac
import os
import signal
import sys
import time
import urllib.error
import urllib.request

from newsdrop.consumer import Consumer, Record, Retry

TIMEOUT_SECONDS = 10
RETRY_SECONDS = float(os.environ.get("WEBHOOK_RETRY_SECONDS", "30"))


def request(target: str, key: bytes, record: Record) -> urllib.request.Request:
    now = str(int(time.time()))
    signature = hmac.new(key, now.encode() + b"." + record.data, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Newsdrop-Entry": record.stream_id,
        "X-Newsdrop-Type": record.type,
        "X-Newsdrop-Revision": str(record.revision),
        "X-Newsdrop-Time": now,
        "X-Newsdrop-Signature": f"sha256={signature}",
    }
    return urllib.request.Request(target, record.data, headers, method="POST")


def post(target: str, key: bytes, record: Record) -> None:
    """Raises Retry if the receiver is unavailable."""
    try:
        urllib.request.urlopen(request(target, key, record), timeout=TIMEOUT_SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code == 429 or error.code >= 500:
            raise Retry(RETRY_SECONDS) from error
        raise
    except OSError as error:
        raise Retry(RETRY_SECONDS) from error


def main(url: str, target: str) -> None:
    key = os.environ["WEBHOOK_KEY"].encode()
    consumer = Consumer(url, group="webhook")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: consumer.stop())
    consumer.run(lambda record: post(target, key, record))


if __name__ == "__main__":
    main(*sys.argv[1:])
