"""Pages and rules that the tests of pages share."""

from collections.abc import Callable

from worker.model import RawArticle
from worker.sites import Match, PageRule, SiteRule, Sites

Parse = Callable[..., RawArticle]

SENTENCE = "码头上的吊机从清早开始转动，船一艘接一艘地靠岸，工人们两班轮换，直到天黑。"
BODY = "".join(f"<p>第{number}天。{SENTENCE}</p>" for number in range(1, 9))


def page_of(inside: str, head: str = "") -> str:
    return f"<html><head><title>港口开工_示例网</title>{head}</head><body>{inside}</body></html>"


def rules_of(*, host: str = "port.example", **page_rule: tuple[str, ...]) -> Sites:
    return Sites((SiteRule("port", match=Match(hosts=(host,)), page=PageRule(**page_rule)),))
