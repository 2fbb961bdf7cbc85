"""East Asian and other text in bytes of ASCII: ISO-2022, HZ and UTF-7."""

import codecs
import re

from worker.formats.encoding.labels import decode_strictly


def read_escapes(data: bytes) -> tuple[str, str] | None:
    """The text of `data` and its codec, if that has escape sequences; a truncated file's text has
    U+FFFD."""
    names = [
        *(_ISO_2022 if b"\x1b" in data else ()),
        *(["hz"] if b"~" in data and _is_hz(data) else ()),
        *(["utf_7"] if b"+" in data and _is_utf_7(data) else ()),
    ]
    for name in names:
        text = decode_strictly(data, name)
        if text is not None and not text.isascii() and (name != "utf_7" or _is_script(text)):
            return text, name
    for name in names:  # a truncated file
        text = data.decode(name, "replace")
        if not text.isascii() and text.count("\ufffd") * 20 < len(text) and name != "utf_7":
            return text, name
    return None


_ISO_2022 = ("iso2022_jp", "iso2022_kr")


def _is_hz(data: bytes) -> bool:
    """Whether one of the first tildes begins Chinese; the first is followed by little else. A
    search for both bytes takes ten times as long."""
    first = data.find(b"~") + 1
    if data[first : first + 1] not in (b"{", b"~", b"\n"):
        return False
    return any(part.startswith(b"{") for part in data[first - 1 :].split(b"~", 20)[1:])


def _is_utf_7(data: bytes) -> bool:
    """Whether the first plus signs shift to letters, as `+BBM-` does. In other text the first or
    one after it does not; one or two that seem to are telephone numbers."""
    first = data.find(b"+")
    if not _SHIFT.match(data, first):
        return False
    try:
        text, _ = codecs.utf_7_decode(data[first : first + 512], "strict", False)
    except UnicodeDecodeError:
        return False
    shifts = sum(part[:3].isalnum() for part in data[first:].split(b"+", 20)[1:])
    return shifts > 2 and _is_script(text)


_SHIFT = re.compile(rb"\+(?:-|[A-Za-z0-9+/]{3})")


def _is_script(text: str) -> bool:
    """Whether the characters beyond ASCII are letters of few blocks: what only looks like UTF-7
    gives characters of all of them."""
    beyond = [char for char in text if char > "\x7f"]
    letters = [char for char in beyond if char.isalpha()]
    blocks = {ord(char) >> 8 for char in letters}
    return len(letters) * 10 > len(beyond) * 8 and (len(blocks) <= 2 or min(blocks) >= 0x4E)
