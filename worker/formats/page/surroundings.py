"""What extractors mistake about an article: boxes and links to other articles, which they take for
its text; the standfirst, and paragraphs, headings and tables in the text, which they leave out.

F1 of public pages without and with this: 153 of trafilatura's .931, .952; 50 of
article-extraction-benchmark .981, .984; 24 of readability's .971, .985; 9 of newspaper4k's .956,
.958. On each of the sets it helps the half that it was not written with, too.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from worker.formats.page.passages import SHINGLE, Passages, Run, folded, shingles
from worker.formats.page.tree import Element, squeezed_length


def corrected(passages: Passages, title: str | None, summaries: Iterable[str]) -> Passages:
    """The passages without boxes and references to other articles, with what is missing.

    `summaries` are the page's descriptions of itself, which are often its standfirst.
    """
    runs, places = passages.runs, passages.places
    kept = list(_without_references(runs, _without_boxes([runs[at] for at in places])))
    kept = _without_disclaimers([run for run in kept if not _is_control(run)])
    start = _heading(runs, kept, folded(title or ""))
    lost = [*_left_out(runs, places, start), *_standfirst(runs, kept, title, summaries)]
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
    r"comment|related|recommend|sidebar|widget|teaser-(?!text)|ticker|footer|legend|breadcrumb|share|social|"
    r"byline|author|signup|newsletter|promo|cookie|caption|credit|copyright|image|img|photo|foto|"
    r"picture|pic\b|gallery|figure|visuel|bild|media|audio|video|\b(?:nav|meta|bio)\b",
    re.IGNORECASE,
)
_OTHERS = frozenset({"figure", "figcaption", "aside", "nav", "footer"})
_HEADINGS = frozenset({"h1", "h2", "h3"})
_TITLES = frozenset({"h2", "h3", "h4", "h5", "h6"})
_GROUPS = frozenset({"table", "ul", "ol", "dl", "pre", "blockquote"})
_LAYOUT, _BEHIND = 0.25, 40  # of the article's letters; lines behind it
_SENTENCE = re.compile(r"[.!?…。！？][\"'”»’)」』]*$")
_SHORTEST, _FURTHEST = 50, 12  # letters; lines behind the heading
_SHORTEST_LEAD = 20  # letters; a shorter line is a name or a credit
_LINKED = 0.3
_DESCRIBED = 40  # letters by which a description is recognised
_LEAD = re.compile(
    r"(?:^|[_ -]|(?<=[a-z])(?=[A-Z]))(?i:standfirst|lead|lede|dec?k|intro|introduction|subtitle|"
    r"sub-?head(?:line|ing)?|excerpt|abstract|summary|teaser-?text|chapo|chapeau|sapo|vorspann|"
    r"bajada|copete|entradilla|sottotitolo|ingress|manchet|daoyu|zhaiyao)(?:$|[_ -]|(?=[A-Z]))"
)

_DISCLAIMER = re.compile(
    r"[“\"【（(\[]?(?:特别|免责|版权|郑重|平台|风险)(?:声明|说明|提示)[】）)\]]?\s*[:：]|"
    r"[（(]?(?:该文|本文|文章|以上)(?:内容|观点|内容、观点)?仅(?:代表|供)|返回(?:搜狐|网易|新浪)|"
    r".{0,20}未经.{0,8}(?:授权|许可|允许|同意).{0,16}(?:转载|使用|复制|摘编|禁止|不得|引用)|"
    r"[本此]内容(?:为|来自)|\w{2,6}(?:[报爆]料[：:]|声明[：:].{0,12}(?:内容|文章|仅供|不构成))|"
    r"Notice: The (?:above )?content|Disclaimer:"
)
_SMALL = re.compile(r"[#＃+]?\s?\w{1,12}")  # a keyword, a count
_LABEL = re.compile(r"\W*(?:特别|免责|版权|郑重|平台)声明\W*|Disclaimer\W*")
_EDITOR = re.compile(r"\W*(?:纠错|责任编辑|责编|编辑|文章来源|来源|举报).{0,40}$")
_CONTROL = re.compile(
    r"(?:(?:Listen|Follow|Copy link|分享到?|收藏|(?:我要)?举报|点赞|打印|听新闻|字号|"
    r"[大中小](?:字[体号]?)?)\W*)+|预览时标签不可点|"
    r"(?:当前位置|您?的?位置|首页|home|startseite|accueil|inicio|início)\W{0,3}\s*[>›»/→].{0,80}",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"\W*(?:(?:please )?(?:subscribe (?:to|now|today)|sign up (?:for|to|here))|"
    r"get (?:the|our|your|all) .{0,80}(?:inbox|newsletter)|like (?:this|what you)\b.{0,40}\?|"
    r"(?:share|print) this|(?:please )?follow (?:us|me|him|her|@?\w+(?: \w+)?) on |follow @\w+|"
    r"join (?:us|our|the conversation)|e-?mail .{0,40}@|(?:got|have) a (?:tip|story)|"
    r"download (?:the|our) .{0,40}\bapps?\b|(?:jetzt|hier) .{0,60}(?:abonnieren|anmelden)|"
    r"newsletter(?: abonnieren|\s?:)|folgen sie uns|melden sie sich .{0,60}an\b|abonnez-vous|"
    r"suivez-nous|inscrivez-vous|suscr[íi]b(?:ete|ase)|s[íi]guenos|[úu]nete|"
    r"¿ya sab[íi]as que .{0,60}canal|assine|inscreva-se|siga-nos|iscriviti|seguici|abbonati|"
    r"abonneer|volg ons|zapraszamy .{0,12}subskrypcj|zapisz się|obserwuj nas|подпи(?:сывай|ши)тесь|"
    r"(?:请|用?微信)?(?:扫描?|长按|识别).{0,10}二维码|扫一扫|欢迎(?:扫码)?关注|"
    r"(?:点击)?下载.{0,12}(?:新闻|财经|[日晚时]报|之家|网)\w{0,4}(?:APP|客户端)|"
    r"更多(?:精彩|内容|资讯|新闻|信息).{0,24}(?:关注|下载|进入|公众号|频道))",
    re.IGNORECASE,
)
_LONGEST_CALL = 200


def _is_control(run: Run) -> bool:
    """Whether a line is none of an article's, wherever it stands: buttons, where the page is on its
    site, a call to subscribe or to follow."""
    is_call = len(run.line) <= _LONGEST_CALL and _CALL.match(run.line)
    return bool(is_call or _CONTROL.fullmatch(run.line))


def _without_disclaimers(kept: list[Run]) -> list[Run]:
    """`kept` without the site's disclaimers at its end, which stand behind a label of their own."""
    most, end = sum(len(run.text) for run in kept) / 2, len(kept)
    for at in range(len(kept) - 1, 1, -1):
        line, most = kept[at].line, most - len(kept[at].text)
        is_label = _DISCLAIMER.match(line) or _LABEL.fullmatch(line)
        if most > 0 and (is_label or _LABEL.fullmatch(kept[at - 1].line)):
            end = at
        elif not _EDITOR.match(line) and not _SMALL.fullmatch(line):
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


def _left_out(runs: Sequence[Run], places: Sequence[int], start: int) -> Iterator[Run]:
    """Lines that an extractor dropped, in the layout of those that it took: paragraphs that it has
    seen before, tables, headings, and sections of their own, one of which each is too short for it.

    `start` is the place of the heading.
    """
    if not places:
        return
    sizes: Counter[object] = Counter()
    holders: dict[object, set[Element]] = defaultdict(set)
    for at in places:
        layout, _, holder = _layout(runs[at])
        sizes[layout] += len(runs[at].text)
        holders[layout].add(holder)
    own = {layout for layout, size in sizes.items() if size >= _LAYOUT * sum(sizes.values())}
    divided = {layout for layout in own if len(holders[layout]) > 1}
    first, last = places[0], places[-1]
    gaps = [(before, after, own) for before, after in pairwise(places) if after - before > 1]
    gaps += [(start, first, divided)] if start < first else []
    for before, after, layouts in (*gaps, (last, min(len(runs), last + _BEHIND), divided)):
        is_followed = is_inside = before < last
        for run in reversed(runs[before + 1 : after]):
            is_in = _is_in(run, layouts)
            if is_in and (_is_prose(run) or _is_grouped(run) or (is_followed and _is_title(run))):
                yield run
                is_followed = True
            else:
                is_followed = is_inside and not _is_link(run)


def _layout(run: Run) -> tuple[object, list[Element], Element]:
    """What the elements around a line, its table or its list are called, or which the innermost is
    if it has no class; the elements between it and the line; and the innermost itself."""
    around = [*run.ancestors()]
    outer = max((at for at, e in enumerate(around) if e.tag in _GROUPS), default=0)
    inner, around = around[: outer + 1], around[outer + 1 :]
    if around and (around[0].tag == "figure" or "table" in _names(around[0])):
        inner, around = [*inner, around[0]], around[1:]
    names = tuple((element.tag, element.get("class", "")) for element in around[:2])
    holder = next(iter(around), None)
    return (names if names and names[0][1] else holder), inner, holder


def _is_in(run: Run, layouts: Collection[object]) -> bool:
    layout, inner, _ = _layout(run)
    return (
        layout in layouts
        and _link_share(run) < _LINKED
        and not any(map(_is_other, inner))
        and not _is_control(run)
        and not _DISCLAIMER.match(run.line)
    )


def _is_prose(run: Run) -> bool:
    return len(run.text) >= _SHORTEST


def _is_grouped(run: Run) -> bool:
    return any(element.tag in _GROUPS for element in run.ancestors())


def _is_title(run: Run) -> bool:
    return any(element.tag in _TITLES for element in run.ancestors())


def _standfirst(
    runs: Sequence[Run], kept: Sequence[Run], title: str | None, summaries: Iterable[str]
) -> Iterator[Run]:
    """What is between the heading and the text, is not in it, and is a sentence that is no caption
    or date, or has a standfirst's class, or is a description of the page."""
    described = [key for text in summaries if len(key := folded(text)[:_DESCRIBED]) >= SHINGLE]
    start = _heading(runs, kept, folded(title or ""))
    places = {run: at for at, run in enumerate(runs)}
    first = next((places[run] for run in kept if places[run] > start), start)
    around = {*runs[start].ancestors(), *runs[first].ancestors()} if first > start else set()
    known: set[str] = set()
    for run in runs[start + 1 : min(first, start + _FURTHEST)]:
        if _link_share(run) >= _LINKED or len(run.text) < SHINGLE:
            continue
        outer = [element for element in run.ancestors() if element not in around]
        is_described = any(map(run.text.startswith, described)) and run.text != folded(title or "")
        if not is_described or any(element.tag in _OTHERS for element in outer):
            size, is_lead = squeezed_length(run.text), _is_lead(outer)
            is_sentence = size >= _SHORTEST and _SENTENCE.search(run.line)
            if not is_sentence and not (is_lead and size >= _SHORTEST_LEAD):
                continue
            if not is_lead and any(map(_is_other, outer)):
                continue
        known = known or set().union(*(shingles(one.text) for one in kept))
        own = shingles(run.text)
        if 2 * len(own & known) < len(own):
            yield run


def _heading(runs: Sequence[Run], kept: Sequence[Run], title: str) -> int:
    """The nearest line above the text that ends with the title and is a heading, else the nearest
    one that is the title; the last without any."""
    first = runs.index(kept[0]) if kept and title else -1
    lines = [at for at in range(min(first + 3, len(runs) - 1), -1, -1) if title in runs[at].text]
    for at in lines:
        if runs[at].text.endswith(title) and any(e.tag in _HEADINGS for e in runs[at].ancestors()):
            return at
    return next((at for at in lines if runs[at].text == title), len(runs) - 1)


def _is_lead(elements: Iterable[Element]) -> bool:
    """Whether the innermost element that its class calls anything is a standfirst."""
    for element in elements:
        if _is_other(element):
            return False
        if _LEAD.search(_names(element)):
            return True
    return False


def _is_other(element: Element) -> bool:
    return element.tag in _OTHERS or _OTHER.search(_names(element)) is not None


def _names(element: Element) -> str:
    return f"{element.get('id', '')} {element.get('class', '')}"


def _is_link(run: Run) -> bool:
    return _link_share(run) > 0.8


def _link_share(run: Run) -> float:
    """The share of a run's letters that is in links. Only its own letters are read: one link may be
    around a thousand paragraphs."""
    linked = 0
    for element, is_tail in run.parts:
        around = element.iterancestors() if is_tail else (element, *element.iterancestors())
        if any(outer.tag == "a" for outer in around):
            linked += len(folded((element.tail if is_tail else element.text) or ""))
    return min(1.0, linked / max(1, len(run.text)))
