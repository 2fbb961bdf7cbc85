"""What an article is: its key (folded title and calendar date) and the hash of its content."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from worker.model import Identity, Profile, Scope
from worker.normalize.dates import read_date
from worker.normalize.folding import fold
from worker.sites import SiteRule

# In front of everything hashed: a change of the encoding or the folding changes these, so that
# keys of two versions never meet by accident. (BLAKE2's personalisation: at most 16 bytes.)
_KEY = b"newsdrop key 1"
_CONTENT = b"newsdrop text 1"

SHORT_TEXT = 100
"""Characters. A text below it may be only a caption or nothing: the pictures count as well."""


@dataclass(frozen=True, slots=True)
class TitleAndDate:
    """What `explain` can tell of a title and a date before any content is known."""

    title: str
    date: str | None
    identity: Identity | None
    """None where the key needs the content, too: no usable date, or scope `content` or `url`."""


def identify(
    folded: str, date: str | None, content: bytes, *, profile: Profile, url: str | None = None
) -> Identity:
    """The identity of an article; `date` is the key's calendar date or None, `folded` its title.

    Without a date the content stands in for it. Scope `url` of an article that has none falls
    back on the content: two articles without an address are not for that reason one.
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
    """8 bytes that stand for a body: its text without white space, and, where that is short,
    the addresses of its `pictures` (which must not hold random covers or adverts)."""
    plain = "".join(unicodedata.normalize("NFC", text).split())
    hashed = blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8, person=_CONTENT)
    if len(plain) < SHORT_TEXT:
        for picture in pictures:
            # A mirror's proxy makes https of http: the same picture.
            hashed.update(b"\n" + picture.partition("://")[2].encode("utf-8", "surrogatepass"))
    return hashed.digest()


def identity_of(
    title: str, date_text: str | None, *, profile: Profile, rule: SiteRule | None = None
) -> TitleAndDate:
    """The identity that a title and a date give by themselves, for whoever looks one up.

    `date_text` is read like a date of an input of `profile`.
    """
    folded = fold(title, rule.title_suffixes if rule else ())
    found = read_date(date_text, profile.time_zone) if date_text else None
    date = None
    if found and (found.zoned or profile.trust_naive_dates):
        date = found.calendar_date(profile.key_zone)
    if date is None or profile.scope in (Scope.URL, Scope.CONTENT):
        return TitleAndDate(folded, date, None)
    return TitleAndDate(folded, date, identify(folded, date, b"", profile=profile))
