"""The encodings that a document declares, and the codecs of their names."""

import codecs

from bs4.dammit import EncodingDetector
from w3lib.encoding import resolve_encoding


def declared_codecs(data: bytes, declared: str | None) -> list[str]:
    """The codecs that transport, XML declaration and meta element declare, in this order."""
    inside = EncodingDetector.find_declared_encoding(data[:_DECLARATIONS], is_html=True)
    names: list[str] = []
    for label in (declared, inside):
        name = resolve_encoding(label.lower().removeprefix("x-")) if label else None
        if name and name not in names and name != "ascii" and _has_ascii(name):
            names.append(name)
    return names


_DECLARATIONS = 8 * 1024
"""Bytes searched for a declaration: HTML requires it in the first 1,024, pages ignore that."""


def _has_ascii(label: str) -> bool:
    """Whether markup in this encoding is bytes of ASCII. UTF-16 has zeros there: without them it is
    a wrong declaration, and as in browsers none (two letters were one Chinese character)."""
    return decode_strictly(b"<p></p>\n", label) == "<p></p>\n"


def decode_strictly(data: bytes, label: str) -> str | None:
    """The text of `data` in a codec; None if some bytes do not fit, or it is no charset."""
    try:
        codec = codecs.lookup(label)
        if not codec._is_text_encoding or codec.name.replace("-", "_") in _NO_CHARSETS:
            return None
        return codec.decode(data, "strict")[0]
    except (UnicodeError, LookupError):
        return None


# Python has codecs that unpack (`zip`, `bz2`), and others that are no charsets.
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
