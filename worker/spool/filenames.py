"""Which file names are claimed from a drop folder, and which never are."""

from fnmatch import fnmatchcase

SPOOL = ".newsdrop"
"""newsdrop's own folder inside a drop folder."""

_UNFINISHED = (".tmp", ".part", ".crdownload", ".swp", "~")
_DESKTOP = ("thumbs.db",)  # .DS_Store begins with a dot


def is_ignored(name: str) -> bool:
    """True for temporary files of editors, browsers and desktops: never an article.

    Dot files, `.tmp .part .crdownload .swp`, names that end in `~`, `Thumbs.db`.
    """
    low = name.lower()
    return name.startswith(".") or low.endswith(_UNFINISHED) or low in _DESKTOP


def is_wanted(name: str, pattern: str = "*") -> bool:
    """True if a file of that name belongs to a source with that `pattern`.

    Patterns are those of a shell (`*.md`), separated by commas; one match is enough.
    """
    if is_ignored(name):
        return False
    return pattern == "*" or any(
        fnmatchcase(name, part) for part in (text.strip() for text in pattern.split(",")) if part
    )
