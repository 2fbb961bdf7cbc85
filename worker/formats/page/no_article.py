"""Pages without an article: those of errors, of logins, and those that only scripts fill."""

import re

from worker.errors import Reason, Rejected
from worker.formats.page.body import SHORT
from worker.formats.page.tree import Element


def check_content(html: str, size: int, title: str, body: Element) -> None:
    """Raises Rejected with the reason why `html`, cut out of `body`, is no article.

    `size` is its length as `squeezed_length` counts it.
    """
    if not html and any(element.get("id") in _APPS for element in body.iter()):
        raise Rejected(
            Reason.NO_CONTENT,
            "scripts make the text of this page, and newsdrop runs none: drop the article itself, "
            "or use the site's feed",
        )
    is_error = size < SHORT and _ERROR.match(title)
    if not html or is_error or (size < _LONGEST and _NO_TITLE.fullmatch(title)):
        raise Rejected(
            Reason.NO_CONTENT,
            "no article was found on this page: drop the article itself, or write a site rule "
            "(config/sites/README.md)",
        )


_APPS = frozenset({"__next", "__nuxt", "__NEXT_DATA__", "__NUXT_DATA__", "root", "app"})
_LONGEST = 1_000  # characters around a question for a name and a password
_ERROR = re.compile(
    r"\W*(?:(?:error\s*)?404\b|(?:page )?not found|seite nicht gefunden|"
    r"page (?:introuvable|non trouvée)|"
    r"p[áa]gina no encontrada|.{0,12}(?:页面|文章|内容)(?:不存在|已删除|找不到|未找到))",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"\W*(?:(?:oops|sorry)\W+)?(?:"
    r"(?:we )?(?:can['’]t|cannot|couldn['’]t|could not) find (?:that|this|the) page|"
    r"(?:that|this|the) page (?:can['’]t|cannot|could not) be found|just a moment|access denied|"
    r"(?:please )?(?:log|sign) ?in(?: to [\w ]{1,40})?|(?:请先?|用户)?登录|anmelden|einloggen|"
    r"se connecter|connexion|iniciar sesi[óo]n|(?:please )?verify (?:that )?you are human|"
    r"are you a robot|attention required|安全验证|人机验证)\W*",
    re.IGNORECASE,
)
