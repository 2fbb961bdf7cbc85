"""Template tags in posts (Hexo and Jekyll `{% tag %}`, Hugo `{{< tag >}}`), replaced by HTML.

A file has them as written, before the blog's generator ran. Those with a meaning become elements
(:mod:`worker.formats.blog_tag_html`); other tags are removed, and their text stays. Code is left
alone: generators show tags in code as they are, and articles about templates quote them.
"""

import re

from worker.formats.blog_tag_html import END_OF_QUOTE, TAGS, VERBATIM, Arguments, arguments

_MAX_BODY = 4_000_000
_TOKEN = re.compile(
    r"^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n`]*$"
    r"|(?<!`)(?P<run>`{1,2})(?!`)[^\n]{1,300}?(?<!`)(?P=run)(?!`)"
    r"|<(?P<element>pre|code|script|style|textarea)\b"
    r"|\{%-?\s*+(?P<tag>[A-Za-z_][\w-]*+)(?P<tag_text>[^{}]{0,2000}?)-?%\}"
    r"|\{\{[<%]\s*+(?P<slash>/?)\s*+(?P<code>[A-Za-z_][\w./-]*+)(?P<code_text>[^{}]{0,2000}?)/?[>%]\}\}"
    r"|\{\{(?P<delimiter>[<%])/\*(?P<shown>[^{}]{0,2000}?)\*/[>%]\}\}"
    r"|\{\{/\*[^{}]{0,2000}?\*/\}\}"
    r"|\{\{-?[ \t]*+(?P<expression>[^{}\s][^{}\n]{0,300}?)-?\}\}",
    re.MULTILINE,
)
_OPENING = re.compile(r"\{[%{]")  # 4 µs; two searches for two characters each cost 17
# Liquid: the site's and the page's own values are empty here; a path through a filter is the path.
_VARIABLE = re.compile(r"(?:site|page|layout|theme|config)\.[\w.\[\]'\"]+(?:\s*\|.*)?")
_PATH = re.compile(r"[\"']([^\"'\n]*)[\"']\s*(?:\|.*)?")


def expand_tags(body: str) -> str:
    """`body`, HTML or Markdown, with HTML for its tags."""
    if not _OPENING.search(body) or len(body) > _MAX_BODY:
        return body
    return _Expansion(body).run()


class _Expansion:
    def __init__(self, body: str) -> None:
        self._body = body
        self._parts: list[str] = []
        self._footers: list[str] = []  # of the quotes that are open
        self._unclosed: set[str] = set()  # each is searched for once: a million cost one pass

    def run(self) -> str:
        position = 0
        while token := _TOKEN.search(self._body, position):
            self._parts.append(self._body[position : token.start()])
            end = self._code_end(token)
            if end is None:
                end = self._tag(token)
            else:
                self._parts.append(self._body[token.start() : end])
            position = end
        self._parts.append(self._body[position:])
        return "".join(self._parts)

    def _code_end(self, token: re.Match[str]) -> int | None:
        """The end of the code that begins with `token`; None where it is a tag."""
        if fence := token["fence"]:
            closing = re.compile(rf"^[ ]{{0,3}}{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
            match = closing.search(self._body, token.end())
            return match.end() if match else len(self._body)
        if element := token["element"]:
            match = self._search(f"</{element}>", token.end())
            return match.end() if match else token.end()
        return token.end() if token["run"] else None

    def _search(self, pattern: str, start: int) -> re.Match[str] | None:
        if pattern in self._unclosed:
            return None
        match = re.compile(pattern, re.IGNORECASE).search(self._body, start)
        if match is None:
            self._unclosed.add(pattern)
        return match

    def _tag(self, token: re.Match[str]) -> int:
        """Write the HTML of a tag; returns where the text continues."""
        if name := token["tag"]:
            return self._known_tag(token, name.lower(), token["tag_text"])
        if name := token["code"]:
            end = "end" if token["slash"] else ""
            return self._known_tag(token, end + name.lower(), token["code_text"])
        if token["shown"]:
            mark = token["delimiter"]
            self._parts.append(f"{{{{{mark}{token['shown']}{'>' if mark == '<' else mark}}}}}")
        elif expression := token["expression"]:
            self._parts.append(self._value(expression.rstrip(), token[0]))
        return token.end()

    def _known_tag(self, token: re.Match[str], name: str, text: str) -> int:
        if name in VERBATIM and (closing := self._search(_closing(name), token.end())):
            inner = self._body[token.end() : closing.start()]
            self._parts.append(VERBATIM[name](arguments(text), inner))
            return closing.end()
        if name in TAGS:
            self._parts.append(self._html(token, name, arguments(text)))
        elif name in END_OF_QUOTE and self._footers:
            self._parts.append(f"{self._footers.pop()}\n\n</blockquote>\n\n")
        return token.end()

    def _html(self, token: re.Match[str], name: str, args: Arguments) -> str:
        html = TAGS[name](args)
        if html.startswith("<blockquote>"):
            html, _, footer = html.partition("\n")
            self._footers.append(f"\n\n{footer}" if footer else "")
            return f"\n\n{html}\n\n"
        before = self._body[max(0, token.start() - 40) : token.start()].rstrip(" \t")
        after = self._body[token.end() : token.end() + 40].lstrip(" \t")
        is_alone = before[-1:] in ("", "\n") and after[:1] in ("", "\n")
        # Markdown after an element on a line of its own would be taken for HTML up to a blank line.
        return f"\n\n{html}\n\n" if html and (is_alone or html.startswith("<figure")) else html

    def _value(self, expression: str, text: str) -> str:
        if path := _PATH.fullmatch(expression):
            return path[1]
        return "" if _VARIABLE.fullmatch(expression) else text


def _closing(name: str) -> str:
    """A pattern of the tag that closes `name`, in all three languages."""
    return rf"\{{%-?\s*end{name}\s*-?%\}}|\{{\{{[<%]\s*/\s*{name}\s*[>%]\}}\}}"
