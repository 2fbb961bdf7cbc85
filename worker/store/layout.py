"""The keys of the store, and the bytes of the index: 52 an article, 22 more for a feed's, plus what
Redis adds.

All names contain ``{<stream>}``, so Redis Cluster keeps them in the stream's slot. The index
consists of hashes that are small enough for Redis to store each as one packed block (a
*listpack*: 2 bytes a string; a hash table costs about 100 bytes a field):

===========================  ====================  ========================================
key, below ``{<stream>}:``   field                 value
===========================  ====================  ========================================
``i:<yyyymmdd>:<shard>``     first 8 bytes of key  *mark*: last 4 bytes of the key, 6 of
                                                   the content hash, first published (6,
                                                   Unix ms); once revised also the revision
                                                   (2) and when that was published (6); `w`
                                                   if it was withdrawn
``i:<yyyymmdd>:<shard>``     the same              *alias* (19): last 4 bytes of the key, date (3)
                                                   and key (12) of the article that was read
                                                   again and has this key now
``i:u<generation>:<shard>``  the same              the same, for articles without a date
``r:<generation>:<shard>``   last 7 bytes of raw   *raw mark*: date (3), first 8 bytes of
                                                   the key, 2 of the content hash. A hash
                                                   of a guid has one, too, for any content
===========================  ====================  ========================================

A dated bucket expires as a whole, so it lives as long as one of its articles is still found.
Articles without a date are bucketed by **generation**, half of ``keep_days`` long, counted from
1970: writes go to the present one, reads look back two more and move hits to the present one.

A raw mark points to a mark and is valid only while that exists with the same content: to forget or
revise an article, its raw marks need not be found.
"""

import struct
from dataclasses import dataclass

from worker.model import Identity, IndexEntry

DAY = 86_400
DATED_SHARDS = 32
"""2,740 articles a day (a million a year) are 86 a hash: below 128, a value
that some servers set ``hash-max-listpack-entries`` to, and far below the default of 512; above it
the hash becomes a table. Measured with a million articles over a year (`bench/index_memory.py`),
bytes an article: Valkey 9.1 56.2, Redis 6.2 58.1, Redis 8.2 with jemalloc 60.9."""
UNDATED_SHARDS = 512
RAW_SHARDS = 8192

_MARK = struct.Struct(">4s6s6s")
_REVISED = struct.Struct(">H6s")
_WITHDRAWN_SIZE = _MARK.size + _REVISED.size + 1
_ALIAS_SIZE = 19


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of one stream. Times are Unix seconds."""

    stream: str
    keep_days: int
    near_days: int = 3

    def key(self, *parts: str) -> bytes:
        """A key of the store: ``{<stream>}:<part>:<part>``."""
        return ":".join((f"{{{self.stream}}}", *parts)).encode()

    def claims(self, batch: str) -> bytes:
        """The answers to the publish requests of a batch; later only that it was settled."""
        return self.key("claim", batch)

    def jobs(self) -> bytes:
        return self.key("jobs")

    def job(self, job: str) -> bytes:
        return self.key("job", job)

    def refused(self, job: str) -> bytes:
        return self.key("job", job, "refused")

    def minutes(self) -> bytes:
        """The articles settled within each minute, by outcome."""
        return self.key("minutes")

    def measures(self) -> bytes:
        """Repeats and refusals by reason, seconds by stage, fetches by status."""
        return self.key("measures")

    @property
    def keep_seconds(self) -> int:
        return self.keep_days * DAY

    def mark_keys(self, identity: Identity, now: float) -> list[bytes]:
        """The keys that may hold the mark of `identity`; it is written to the first."""
        key = identity.key
        if identity.date:
            day = identity.date.replace("-", "")
            return [b"{%b}:i:%b:%x" % (self.stream.encode(), day.encode(), key[0] % DATED_SHARDS)]
        shard = b"%x" % (int.from_bytes(key[:2]) % UNDATED_SHARDS)
        return [prefix + shard for prefix in self.undated_prefixes(now)]

    def undated_prefixes(self, now: float) -> list[bytes]:
        """The beginnings of the keys of marks without a date, one for each generation; they are
        written to the first. The next one is included: another machine's clock may be ahead."""
        present = self._generation(now)
        return [self.key("i", f"u{present + n}", "") for n in (0, 1, -1, -2)]

    def raw_keys(self, raw: bytes, now: float) -> list[bytes]:
        """The keys that may hold the raw mark of `raw`; it is written to the first."""
        shard = b"%x" % (int.from_bytes(raw[:2]) % RAW_SHARDS)
        return [prefix + shard for prefix in self.raw_prefixes(now)]

    def raw_prefixes(self, now: float) -> list[bytes]:
        """The beginnings of the keys of raw marks; they are written to the first."""
        present = self._generation(now)
        return [self.key("r", str(present - n), "") for n in (0, 1, 2)]

    def _generation(self, now: float) -> int:
        return int(now) * 2 // self.keep_seconds

    def window(self, now: float) -> bytes:
        """The window of stories, as stories.lua reads it: prefix of its keys, number of the present
        day, and how many days before it belong to it."""
        return b"%b %d %d" % (self.key("n", ""), int(now) // DAY, self.near_days)


def mark_field(identity: Identity) -> bytes:
    return identity.key[:8]


def raw_field(raw: bytes) -> bytes:
    """The name of the shard has the first 13 bits: with these 56 bits all 64 are stored."""
    return raw[1:]


def raw_mark(identity: Identity) -> bytes:
    return _packed_date(identity.date) + identity.key[:8] + identity.content[:2]


def packed_id(identity: Identity) -> bytes:
    """Date and key of an article in 15 bytes."""
    return _packed_date(identity.date) + identity.key


def alias_mark(alias: Identity, target: Identity) -> bytes:
    """The mark that makes `alias` another key of the article `target`."""
    return alias.key[8:] + packed_id(target)


def alias_target(mark: bytes) -> Identity | None:
    """Date and key of the article that an alias points to; None if `mark` is not an alias."""
    return identity_from_alias(mark[4:]) if len(mark) == _ALIAS_SIZE else None


def identity_from_alias(packed: bytes) -> Identity:
    """Date and key out of 15 bytes. The content is empty."""
    return Identity(_unpacked_date(packed[:3]), packed[3:], b"")


def entry_from_mark(date: str | None, field: bytes, mark: bytes) -> IndexEntry:
    """The index entry that a mark encodes. `date` is the article's, ISO."""
    rest, content, first = _MARK.unpack_from(mark)
    revision, last = 1, first
    if len(mark) > _MARK.size:
        revision, last = _REVISED.unpack_from(mark, _MARK.size)
    return IndexEntry(
        identity=Identity(date, field + rest, content),
        first_published_ms=int.from_bytes(first),
        revision=revision,
        last_published_ms=int.from_bytes(last),
        is_withdrawn=len(mark) >= _WITHDRAWN_SIZE,
    )


def entry_from_raw_mark(raw_mark: bytes, mark: bytes) -> IndexEntry:
    """The index entry that a raw mark and its mark encode."""
    return entry_from_mark(_unpacked_date(raw_mark[:3]), raw_mark[3:11], mark)


def parse_article_id(article_id: str) -> Identity | None:
    """Date and key of an article's id; None if `article_id` is invalid. The content is empty."""
    day, _, digits = article_id.partition("-")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        return None
    if len(key) != 12 or key.hex() != digits:
        return None
    if day == "undated":
        return Identity(None, key, b"")
    if len(day) != 8 or not (day.isascii() and day.isdigit()):
        return None
    return Identity(f"{day[:4]}-{day[4:6]}-{day[6:]}", key, b"")


def _packed_date(date: str | None) -> bytes:
    """Year, month (4 bits) and day (5 bits) in 3 bytes; 0: no date. lookup.lua unpacks it."""
    if not date:
        return b"\0\0\0"
    year, month, day = map(int, date.split("-"))
    return (year * 512 + month * 32 + day).to_bytes(3)


def _unpacked_date(packed: bytes) -> str | None:
    number = int.from_bytes(packed)
    if not number:
        return None
    return f"{number // 512:04d}-{number // 32 % 16:02d}-{number % 32:02d}"
