"""Renders templates: everything is escaped, and an undefined name is an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from worker import __version__
from worker.settings.clock import utc_now
from worker.web import filters
from worker.web.filtering import write_query

HERE = Path(__file__).parent
STATIC = HERE / "static"

_FILTERS: tuple[Callable[..., object], ...] = (
    *(filters.count, filters.size, filters.rate, filters.plural, filters.words),
    *(filters.span, filters.coarse, filters.exact, filters.stamp, filters.from_ms),
    *(filters.printable, filters.escaped, filters.inline_code, filters.highlight),
)


class Pages:
    """The templates. `form_token` returns the hidden field of each form."""

    def __init__(self, form_token: Callable[[], str]) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {it.__name__: it for it in _FILTERS}
        self._environment.globals |= {
            "version": __version__,
            "form_token": form_token,
            "query": write_query,
            "due": lambda moment: filters.due(moment, utc_now()),
            "ago": lambda moment: filters.ago(moment, utc_now()),
        }

    def render(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)
