"""Filters of lists as options: the same names as in the addresses of pages and in the API."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

from worker.cli import completion
from worker.cli.options import option

_OPTIONS: dict[str, tuple[str, str, Any]] = {
    "q": ("WORDS", "With all these words, or parts of words.", None),
    "source": ("NAME", "Of this source.", completion.sources),
    "feed": ("NAME", "Of this feed.", completion.feeds),
    "job": ("ID", "Of this job.", completion.jobs),
    "tag": ("TAG", "With this tag.", None),
    "ticker": ("SYMBOL", "With this ticker, as 300959.SZ.", None),
    "language": ("TAG", "In this language, as zh-Hans or zh.", None),
    "publisher": ("NAME", "Of this outlet.", None),
    "date": ("DATE", "Of this year, month or day: 2021, 2021-11, 2021-11-26.", None),
    "warning": ("KIND", "With a warning of this kind.", completion.warning_kinds),
    "story": ("ID", "Of this story, which has the ID of its first article.", None),
    "outcome": (
        *(
            "OUTCOME",
            "With this outcome: published, revised, withdrawn, duplicate, rejected (refused).",
        ),
        None,
    ),
}


def with_filters(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these filters; it receives them as `filters`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def filtered(*args: Any, **options: Any) -> None:
            from worker.readmodel.filters import Filters

            filters = Filters(**{name: options.pop(name) for name in names})
            command(*args, filters=filters, **options)

        own = signature(command)
        parameters = [
            each.replace(kind=Parameter.KEYWORD_ONLY)
            for each in own.parameters.values()
            if each.name != "filters"
        ]
        at = next((n for n, each in enumerate(parameters) if each.name == "json"), len(parameters))
        parameters[at:at] = [_parameter(name) for name in names]
        filtered.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        filtered.__annotations__ = {each.name: each.annotation for each in parameters}
        return filtered

    return decorate


def _parameter(name: str) -> Parameter:
    metavar, text, complete = _OPTIONS[name]
    value = option(metavar, text, f"--{name}", autocompletion=complete)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, value]
    )
