"""Renders templates: everything is escaped, and an undefined name is an error."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from worker import __version__, translation
from worker.model.times import rfc3339_from_ms
from worker.settings.clock import utc_now
from worker.translation import mark
from worker.web import filters
from worker.web.chart import draw_line, draw_marks
from worker.web.filtering import path_name, write_query

HERE = Path(__file__).parent
STATIC = HERE / "static"

_FILTERS: tuple[Callable[..., object], ...] = (
    *(filters.count, filters.size, filters.rate, filters.words, filters.message),
    *(filters.span, filters.coarse, filters.exact, filters.stamp, filters.id_time),
    *(filters.printable, filters.escaped, filters.inline_code, filters.highlight),
    filters.edited,
    filters.numbered,
)


SCRIPT_WORDS = (
    *map(mark, ("just now", "now", "{time} ago", "in {time}", "{number} s", "{number} min")),
    *map(mark, ("{number} h", "{number} days", "{time} in {zone}, {utc}", "live", "reconnecting")),
    *map(mark, ("Times are in {zone}", "Theme: system", "Theme: light", "Theme: dark")),
    mark("show new"),
    *map(mark, ("overdue {time}", "due now", "Files: {count}, {size}")),
    mark("{size} is more than one upload may hold ({limit})."),
    mark("One upload may hold {limit} files; these are {count}."),
)
"""What the script writes; each is the argument of its function `translated`."""


class Pages:
    """The templates. `form_token` returns the hidden field of each form."""

    def __init__(self, form_token: Callable[[], str]) -> None:
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        self.environment.policies["ext.i18n.trimmed"] = True
        # Looked up at each call: one environment renders for readers of all languages.
        self.environment.install_gettext_callables(  # type: ignore[attr-defined]
            translation.gettext, translation.ngettext, newstyle=True
        )
        self.environment.filters |= {it.__name__: it for it in _FILTERS}
        self.environment.filters |= {
            "plural": translation.count_noun,
            "from_ms": rfc3339_from_ms,
            "path_name": path_name,
        }
        self.environment.globals |= {
            "version": __version__,
            "form_token": form_token,
            "query": write_query,
            "draw_line": draw_line,
            "draw_marks": draw_marks,
            "due": lambda moment: filters.due(moment, utc_now()),
            "ago": lambda moment: filters.ago(moment, utc_now()),
        }

    def script_words(self) -> str:
        """SCRIPT_WORDS in the reader's language as JSON; empty for English."""
        if translation.current_language() == translation.DEFAULT:
            return ""
        return json.dumps({it: translation.gettext(it) for it in SCRIPT_WORDS}, ensure_ascii=False)

    def render(self, template: str, **context: Any) -> str:
        return self.environment.get_template(template).render(context)
