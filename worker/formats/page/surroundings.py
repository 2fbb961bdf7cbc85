"""What extractors mistake about an article: boxes and links to other articles, which they take for
its text; the standfirst between heading and text, and repeated paragraphs, which they leave out.

F1 of public pages without and with this: 153 of trafilatura's .931, .949; 50 of
article-extraction-benchmark .981, .983; 24 of readability's .971, .973; 9 of newspaper4k's .956,
.959. On each of the sets it helps the half that it was not written with, too.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from worker.formats.page.passages import Passages, Run, folded, shingles
from worker.formats.page.tree import Element, squeezed_length, text_content


def corrected(passages: Passages, title: str | None) -> Passages:
    """The passages without boxes and references to other articles, with what is missing."""
    runs, places = passages.runs, passages.places
    kept = list(_without_references(runs, _without_boxes([runs[at] for at in places])))
    kept = _without_disclaimers([run for run in kept if not _CONTROL.fullmatch(run.line)])
    lost = [*_gaps(runs, places), *_standfirst(runs, kept, title)]
    return replace(passages, kept=frozenset([*kept, *lost]))


_BOX = re.compile(
    r"(?:^|[_ -])(?:related|recirc\w*|recommend\w*|most-?read|trending|newsletter|subscri\w+|"
    r"sign-?up|share|sharing|sharedaddy|social|likes?-widget|comments?|disqus|tags|tag-?list|"
    r"advert\w*|sponsor\w*|outbrain|taboola|promo|paywall|donate|cookie\w*|disclosure|disclaimer|"
    r"author-?bio|bio|error-report)(?:$|[_ -])",
    re.IGNORECASE,
)
_MODIFIER = re.compile(r"\S+--\S+|\b(?:no|has|with)-\S+")  # `header--no-promo` is a header
_LARGEST = 0.3  # of the article's letters; what is larger is the article, whatever its class
_REFERENCE = re.compile(
    r"\W*(?:related|read (?:more|also|next)|see also|also (?:read|on|see)|more (?:on|from)|"
    r"you (?:might|may) also like|lesen sie|auch (?:lesen|auf|interessant)|lies auch|"
    r"mehr (?:zum thema|dazu)|lire aussi|[àa] lire|voir aussi|lea tambi[ée]n|te puede interesar|"
    r"leia (?:tamb[ée]m|mais)|veja tamb[ée]m|leggi anche|czytaj|dowiedz się|zobacz też|"
    r"читайте также|相关(?:阅读|新闻|文章|报道|推荐)|(?:延伸|推荐|更多|扩展)阅读|"
    r"往期(?:回顾|推荐))",
    re.IGNORECASE,
)
_LONGEST_REFERENCE = 250
_OTHER = re.compile(
    r"comment|related|recommend|sidebar|widget|teaser-|ticker|footer|legend|breadcrumb|share|social|"
    r"byline|author|signup|newsletter|promo|cookie|caption|credit|copyright|image|img|photo|foto|"
    r"picture|pic\b|gallery|figure|visuel|bild|media|audio|video|\b(?:nav|meta|bio)\b",
    re.IGNORECASE,
)
_OTHERS = frozenset({"figure", "figcaption", "aside", "nav", "footer"})
_HEADINGS = frozenset({"h1", "h2", "h3"})
_SENTENCE = re.compile(r"[.!?…。！？][\"'”»’)」』]*$")
_SHORTEST, _FURTHEST = 50, 12  # letters; lines behind the heading
_LINKED = 0.3


_DISCLAIMER = re.compile(
    r"[“\"【（(\[]?(?:特别|免责|版权|郑重|平台|风险)(?:声明|说明|提示)[】）)\]]?\s*[:：]|"
    r"[（(]?(?:该文|本文|文章|以上)(?:内容|观点|内容、观点)?仅(?:代表|供)|返回(?:搜狐|网易|新浪)|"
    r"Notice: The (?:above )?content|Disclaimer:"
)
_LABEL = re.compile(r"\W*(?:特别|免责|版权|郑重|平台)声明\W*|Disclaimer\W*")
_EDITOR = re.compile(r"\W*(?:纠错|责任编辑|责编|编辑|文章来源|来源|举报).{0,40}$")
_CONTROL = re.compile(r"(?:(?:Listen|Follow|Copy link|分享到?|收藏|举报|点赞)|预览时标签不可点)\W*")


def _without_disclaimers(kept: list[Run]) -> list[Run]:
    """`kept` without the site's disclaimers at its end, which stand behind a label of their own."""
    most, end = sum(len(run.text) for run in kept) / 2, len(kept)
    for at in range(len(kept) - 1, 1, -1):
        line, most = kept[at].line, most - len(kept[at].text)
        is_label = _DISCLAIMER.match(line) or _LABEL.fullmatch(line)
        if most > 0 and (is_label or _LABEL.fullmatch(kept[at - 1].line)):
            end = at
        elif not _EDITOR.match(line):
            break
    return [*kept[:end], *(run for run in kept[end:] if _EDITOR.match(run.line))]


def _without_boxes(kept: Sequence[Run]) -> list[Run]:
    """`kept` without what is in an element that its class or id calls a box of the site."""
    sizes: Counter[Element] = Counter()
    for run in kept:
        for element in run.ancestors():
            sizes[element] += len(run.text)
    most = _LARGEST * sum(len(run.text) for run in kept)
    boxes = {element for element, size in sizes.items() if size < most and _is_box(element)}
    return [run for run in kept if boxes.isdisjoint(run.ancestors())]


def _is_box(element: Element) -> bool:
    names = _MODIFIER.sub("", _names(element))
    return element.tag not in ("article", "blockquote") and _BOX.search(names) is not None


def _without_references(runs: Sequence[Run], kept: Sequence[Run]) -> Iterator[Run]:
    """`kept` without `Read also: …`, and without such a label and the links behind it."""
    is_listed = False
    behind = dict(pairwise(runs))
    for run in kept:
        is_label = _REFERENCE.match(run.line) and len(run.text) < _LONGEST_REFERENCE
        if is_label and _link_share(run) < 0.5:
            is_label = run in behind and not _SENTENCE.search(run.line) and _is_link(behind[run])
        is_listed = bool(is_label) or (is_listed and _is_link(run))
        if not is_listed:
            yield run


def _gaps(runs: Sequence[Run], places: Sequence[int]) -> Iterator[Run]:
    """The paragraphs that are missing between two of their siblings: an extractor drops what it
    has seen before, such as an instruction that a recipe repeats."""
    for before, after in pairwise(places):
        parent = runs[before].block.getparent()
        if after - before == 1 or runs[after].block.getparent() is not parent:
            continue
        lost = [
            run
            for run in runs[before + 1 : after]
            if run.block.getparent() is parent
            and not _is_other(run.block)
            and _link_share(run) < _LINKED
        ]
        if any(len(run.text) >= _SHORTEST for run in lost):
            yield from lost


def _standfirst(runs: Sequence[Run], kept: Sequence[Run], title: str | None) -> Iterator[Run]:
    """The sentences between the heading and the text that are not a caption, a date or the text."""
    start = _heading(runs, kept, folded(title or ""))
    places = {run: at for at, run in enumerate(runs)}
    first = next((places[run] for run in kept if places[run] > start), start)
    around = {*runs[start].ancestors(), *runs[first].ancestors()} if first > start else set()
    known: set[str] = set()
    for run in runs[start + 1 : min(first, start + _FURTHEST)]:
        if (
            squeezed_length(run.text) < _SHORTEST
            or not _SENTENCE.search(run.line)
            or _link_share(run) >= _LINKED
        ):
            continue
        if any(_is_other(element) for element in run.ancestors() if element not in around):
            continue
        known = known or set().union(*(shingles(one.text) for one in kept))
        own = shingles(run.text)
        if 2 * len(own & known) < len(own):
            yield run


def _heading(runs: Sequence[Run], kept: Sequence[Run], title: str) -> int:
    """The nearest line above the text that ends with the title and is a heading; else the last."""
    first = runs.index(kept[0]) if kept and title else -1
    for at in range(min(first + 3, len(runs) - 1), -1, -1):
        if runs[at].text.endswith(title) and any(e.tag in _HEADINGS for e in runs[at].ancestors()):
            return at
    return len(runs) - 1


def _is_other(element: Element) -> bool:
    return element.tag in _OTHERS or _OTHER.search(_names(element)) is not None


def _names(element: Element) -> str:
    return f"{element.get('id', '')} {element.get('class', '')}"


def _is_link(run: Run) -> bool:
    return _link_share(run) > 0.8


def _link_share(run: Run) -> float:
    """The share of a run's letters that is in links."""
    links = dict.fromkeys(
        around
        for element, is_tail in run.parts
        for around in ([] if is_tail else [element], element.iterancestors())
        for around in around
        if around.tag == "a"
    )
    return min(1.0, sum(len(folded(text_content(link))) for link in links) / max(1, len(run.text)))
