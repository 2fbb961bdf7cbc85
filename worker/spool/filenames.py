"""Which file names are taken from a drop folder, and which never are."""

from fnmatch import fnmatchcase

SPOOL = ".newsdrop"
"""The folder inside a drop folder that is newsdrop's own."""

_UNFINISHED = (".tmp", ".part", ".crdownload", ".swp", "~")
_DESKTOP = ("thumbs.db",)  # .DS_Store begins with a dot


def ignored(name: str) -> bool:
    """True for what editors, browsers and desktops leave about: never an article.

    Dot files, `.tmp .part .crdownload .swp`, names that end in `~`, `Thumbs.db`.
    """
    low = name.lower()
    return name.startswith(".") or low.endswith(_UNFINISHED) or low in _DESKTOP


def wanted(name: str, pattern: str = "*") -> bool:
    """True if a file of that name belongs to a source with that `pattern`.

    A pattern is a shell's (`*.md`), several are separated by commas; one of them is enough.
    """
    if ignored(name):
        return False
    return pattern == "*" or any(
        fnmatchcase(name, part) for part in (text.strip() for text in pattern.split(",")) if part
    )
