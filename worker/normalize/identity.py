"""An article's identity: its key (folded title and calendar date) and the hash of its content; and
marks, which find an input in the index before it is parsed."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from worker.model import Identity, Profile, Scope
from worker.normalize.dates.parser import parse_date
from worker.normalize.title import fold
from worker.sites import SiteRule

# BLAKE2's personalisation (at most 16 bytes). Change it with the encoding or the folding, so that
# keys of two versions never collide.
_KEY = b"newsdrop key 1"
_CONTENT = b"newsdrop text 1"

SHORT_TEXT = 100
"""Characters. A shorter text may be only a caption: the pictures are hashed, too."""


@dataclass(frozen=True, slots=True)
class TitleAndDate:
    """The part of an identity that a title and a date give, for `explain`."""

    title: str
    date: str | None
    identity: Identity | None
    """None where the key depends on the content: no usable date, or scope `content` or `url`."""


def identify(
    folded: str, date: str | None, content: bytes, *, profile: Profile, url: str | None = None
) -> Identity:
    """The identity of an article; `date` is the key's calendar date or None, `folded` its title.

    The content replaces a missing date. With scope `url`, the content also replaces a missing
    address: two articles without an address are not the same.
    """
    parts = ["date", date] if date else ["content", content.hex()]
    if profile.scope is Scope.SOURCE:
        parts += ["source", profile.source]
    elif profile.scope is Scope.URL and url:
        parts += ["url", url]
    elif profile.scope in (Scope.URL, Scope.CONTENT):
        parts += ["content", content.hex()]
    key = blake2b(digest_size=12, person=_KEY)
    for part in ("title", folded, *parts):
        encoded = part.encode("utf-8", "surrogatepass")
        key.update(len(encoded).to_bytes(4, "big") + encoded)  # so that ab|c is not a|bc
    return Identity(date=date, key=key.digest(), content=content)


def content_hash(text: str, pictures: Iterable[str]) -> bytes:
    """8 bytes of hash of a body: its text without white space, and, where that is short, the
    addresses of its `pictures` (without random covers and adverts)."""
    plain = "".join(unicodedata.normalize("NFC", text).split())
    hashed = blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8, person=_CONTENT)
    if len(plain) < SHORT_TEXT:
        for picture in pictures:
            # A mirror's proxy turns http into https: the same picture. A path has no scheme.
            address = picture.partition("://")[2] or picture
            hashed.update(b"\n" + address.encode("utf-8", "surrogatepass"))
    return hashed.digest()


def make_identity(
    title: str, date_text: str | None, *, profile: Profile, rule: SiteRule | None = None
) -> TitleAndDate:
    """The identity from a title and a date alone, to look an article up.

    `date_text` is parsed like a date of an input of `profile`.
    """
    folded = fold(title, rule.title_suffixes if rule else ())
    parsed = parse_date(date_text, profile.time_zone, profile.date_order) if date_text else None
    date = None
    if parsed and (parsed.has_zone or profile.trust_naive_dates):
        date = parsed.calendar_date(profile.key_zone)
    if date is None or profile.scope in (Scope.URL, Scope.CONTENT):
        return TitleAndDate(folded, date, None)
    return TitleAndDate(folded, date, identify(folded, date, b"", profile=profile))


def file_mark(digest: str, profile: Profile) -> bytes:
    """8 bytes for a file's bytes (their SHA-256) and everything in its profile that affects the
    dedupe key."""
    return blake2b(digest.encode(), digest_size=8, key=_profile_key(profile)).digest()


def entry_mark(content: bytes, profile: Profile) -> bytes:
    """8 bytes for the content of a feed entry: an unchanged one is found without parsing it."""
    return blake2b(content, digest_size=8, key=_profile_key(profile)).digest()


def guid_mark(guid: str | None, profile: Profile, feed_url: str) -> bytes | None:
    """8 bytes for the guid of a feed's entry: an edited one is found, whatever its title and date
    are now. None where another text is another article."""
    if not guid or profile.scope is Scope.CONTENT:
        return None
    text = "\0".join(("guid", profile.source, feed_url, guid))
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


@lru_cache(maxsize=256)
def _profile_key(profile: Profile) -> bytes:
    scoped = profile.source if profile.scope is not Scope.GLOBAL else ""
    parts = (scoped, profile.scope, profile.time_zone.key, profile.key_zone.key, profile.site or "")
    order = (profile.date_order,) if profile.date_order else ()
    text = "\0".join((*parts, str(profile.trust_naive_dates), *order))
    return blake2b(text.encode()).digest()
