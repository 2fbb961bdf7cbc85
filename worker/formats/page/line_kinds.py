"""The kinds of lines of a page: headings, links, buttons, calls, references and disclaimers."""

import re
from pathlib import Path

from worker.formats.page.passages import Run, letters_in, text_of_part
from worker.formats.page.tree import Element, id_and_class

# A paragraph a pattern: its name and what it matches, then an alternative a line.
PATTERNS = {
    name.partition(":")[0]: "|".join(alternatives)
    for name, *alternatives in map(
        str.splitlines,
        Path(__file__).with_name("surroundings.txt").read_text("utf-8").split("\n\n"),
    )
}
REFERENCE = re.compile(rf"\W*(?:{PATTERNS['reference']})", re.IGNORECASE)
DISCLAIMER = re.compile(PATTERNS["disclaimer"])
_SECONDARY_NAME = re.compile(PATTERNS["other"], re.IGNORECASE)
HEADINGS = frozenset({"h1", "h2", "h3"})
SUBHEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
SECONDARY = frozenset({"figure", "figcaption", "aside", "nav", "footer"})
SENTENCE = re.compile(r"[.!?…。！？][\"'”»’)」』]*$")
_CONTROL = re.compile(
    rf"[\W\d]*+(?:(?:{PATTERNS['control']})[\W\d]*+)++|(?:图片|版面|视觉|视频)编辑\W.{{0,12}}|责任编辑\W*|"
    r"(?:当前位置|您?的?位置|首页|home|startseite|accueil|inicio|início)\W{0,3}\s*[>›»/→].{0,80}",
    re.IGNORECASE,
)
_CALL = re.compile(rf"\W*(?:{PATTERNS['call']})", re.IGNORECASE)
_LONGEST_CALL = 200
_REPORT = re.compile(r"\b(?:said|says|told)\b|介[绍紹]|表示|告[诉訴]|记者|記者|据[了报]")


def is_control(run: Run) -> bool:
    """Whether a line is not of an article, in any place: buttons, the page's path on its site, a
    call to subscribe or to follow, unless it is a sentence that reports what someone said."""
    is_call = len(run.line) <= _LONGEST_CALL and _CALL.match(run.line)
    is_report = is_call and SENTENCE.search(run.line) and _REPORT.search(run.line)
    return bool((is_call and not is_report) or _CONTROL.fullmatch(run.line))


def is_heading(run: Run) -> bool:
    return any(element.tag in HEADINGS for element in run.ancestors())


def is_subheading(run: Run) -> bool:
    return any(element.tag in SUBHEADINGS for element in run.ancestors())


def is_link(run: Run) -> bool:
    return link_share(run) > 0.8


def link_share(run: Run) -> float:
    """The share of a run's letters that is in links. Only its own letters are read: one link may be
    around a thousand paragraphs."""
    linked = 0
    for element, is_tail in run.parts:
        around = element.iterancestors() if is_tail else (element, *element.iterancestors())
        if any(outer.tag == "a" for outer in around):
            linked += len(letters_in(text_of_part(element, is_tail)))
    return min(1.0, linked / max(1, len(run.text)))


def is_secondary(element: Element) -> bool:
    """Whether an element holds what is no prose of the article: a caption, a menu, a footer."""
    return element.tag in SECONDARY or _SECONDARY_NAME.search(id_and_class(element)) is not None
