"""Names, outlets and dates in the short texts around an article."""

import re
from collections.abc import Iterable

from worker.formats.page.passages import letters_in
from worker.formats.values import html_title, is_absolute, unique
from worker.model import Person


def date_in(text: str) -> str | None:
    """The part of a line that is a date with a year (`2021年11月26日 20:26 来源：…`)."""
    match = _DATE_IN_TEXT.search(text)
    return match[0].strip() if match else None


def outlet_name(text: str) -> str | None:
    """`来源：新华网` → `新华网`; None for what is no name."""
    name = _OUTLET_LABEL.sub("", text).strip()
    return name if name and len(name) <= _MAX_NAME and not is_absolute(name) else None


def editor_name(text: str) -> str | None:
    """`【纠错】责任编辑： 尹世杰` → `尹世杰`; None without a name."""
    match = _EDITOR.search(text)
    return match[1].strip(" )）]】") or None if match else None


def person_names(text: str) -> tuple[Person, ...]:
    """`作者：李在山、王五` → two persons, without markup. Not addresses, numbers or sentences."""
    # The patterns are quadratic in a run of spaces: 20,000 took 5 s.
    text = " ".join(html_title(_MARKUP.sub(" ", text[:_MAX_BYLINE])).split())
    text = _EMPLOYER.sub(r"\1\2", _ROLE.sub("", _AUTHOR_LABEL.sub("", text)))
    names = (_once(_ROLE.sub("", name.strip())) for name in _BETWEEN_NAMES.split(text))
    valid = (name for name in names if len(name) <= _MAX_NAME and not _NO_NAME.search(name))
    return tuple(Person(name) for name in unique(valid))


def _once(name: str) -> str:
    """`Ann Vera Ann Vera` → `Ann Vera`: templates write a name once more for screen readers."""
    half = name[: len(name) // 2]
    return half if name == f"{half} {half}" else name


def without_sites(persons: Iterable[Person], sites: Iterable[str]) -> tuple[Person, ...]:
    """`persons` without those that have the name of the site: many templates write it as author.

    `sites` may hold hosts. A part of one (`example` of `example.com`) is only the site's name where
    it is one word: two are a person who has a site.
    """
    sites = [*sites]
    labels = {label for site in sites if "." in site for label in site.lower().split(".")}
    names = {_site_key(site) for site in sites if site not in labels}
    return tuple(
        person
        for person in persons
        if _site_key(person.name) not in names and person.name.lower() not in labels
    )


def _site_key(name: str) -> str:
    return letters_in(_ARTICLE.sub("", name)).casefold()


_MAX_NAME = 60
_ARTICLE = re.compile(r"^(?:the|von|by)\s", re.IGNORECASE)
_MAX_BYLINE = 2_000
_MARKUP = re.compile(r"<[^<>]{0,500}>")
_AUTHOR_LABEL = re.compile(
    r"^[\s（(【\[]*(?:(?:作者|[记記]者|撰文|文字|文|[编編][译譯])\s*[：:/|丨]|(?:[Bb]y|BY|Von|Par|Por|and|und)\s)\s*"
)
_ROLE = re.compile(
    r"^[一-鿿]{0,6}(?:[记記]者|通讯员|实习生)(?:\s+(?=[一-鿿])|(?=[一-鿿]{2,4}(?:$|\s)))"
)
_EMPLOYER = re.compile(
    r"^(\S+\s\S.*?)\s(?:for|For|FOR) [A-ZÀ-Þ].*|^([가-힣]{2,4})\s(?:선임|수석)?기자$"
)
_OUTLET_LABEL = re.compile(r"^[\s（(]*(?:[来來]源|稿源|出[处處]|[转轉]自|[Ss]ource)\s*[：:]?\s*")
_EDITOR = re.compile(
    r"(?:[责責]任[编編][辑輯]|[责責][编編]|[编編][辑輯])\s*[：:|｜]\s*([^：:|｜]{1,40})"
)
_BETWEEN_NAMES = re.compile(
    r"\s*[、,，;；|｜]\s*(?:(?:and|und|et)\s+)?|\s+(?:and|&|和)\s+|(?<=[一-鿿])\s+(?=[一-鿿])"
)
_NO_NAME = re.compile(
    r"@|://|^[\W\d_]*$|[。！？!?]|"  # an address, a number, a sentence
    r"^(?:null|none|undefined|name|\w*admin\d*|administrator|webmaster|"
    r"super user|publisher|author|editors?|staff|staff reports?|redaktion|newsroom|team|"
    r"实习生|通讯员|小编|编辑部|本站|佚名|匿名)$|"
    # a degree between commas
    r"^(?:MD|M\.D\.|Ph\.?\s?D\.?|MS|MSc|MA|MBA|MPH|RDN?|RN|Esq\.?|Jr\.?|Sr\.?)$|"
    # an agency or a role behind a name
    r"\b(?:with|avec|mit|con|e|und) (?:afp|ap|reuters|dpa|efe|ansa)$|"
    r"\b(?:writer|reporter|correspondent|contributor|columnist|desk)s?$|"
    r"\b(?:inc|ltd|llc|gmbh|corp)\.?$|^(?:photos?|fotos?|фото|摄影)\s*[:：]",
    re.IGNORECASE,
)
_DATE_IN_TEXT = re.compile(
    r"(?<!\d)(?:19|20)\d\d\s?(?:年\s?\d{1,2}\s?月\s?\d{1,2}\s?日?|([-/.])\d{1,2}\1\d{1,2}(?!\d))"
    r"(?:[\sT]*\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\s?(?:Z\b|[+-]\d\d:?\d\d\b)?)?"
)
