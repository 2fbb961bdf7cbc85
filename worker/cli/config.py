"""`config check`, `config show` and `schema`: the settings, and the record's JSON Schema."""

import json as json_text
from typing import Any

import typer

from worker.cli.formatting import pluralize
from worker.cli.options import Json, config_of, settings_of
from worker.cli.output import console, print_json, print_pretty, safe_text

app = typer.Typer(no_args_is_help=True, help="Check and show the settings.")


@app.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Check the settings, the site rules and the feeds; exit 2 and say what to fix."""
    from worker.feeds.catalog import load_catalog
    from worker.settings import config_file
    from worker.sites import open_sites

    settings = settings_of(context)
    open_sites(settings)
    feed_count = len(load_catalog(settings))
    path = str(config_file(config_of(context)))
    if json:
        print_json(
            {
                "ok": True,
                "config": path,
                "state_dir": str(settings.state_dir),
                "sources": [folder.name for folder in settings.all_folders()],
                "feeds": feed_count,
            }
        )
        return
    feeds = pluralize(feed_count, "feed")
    console().print(safe_text(path).append(f", the site rules and {feeds}: no errors"))


@app.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Show every setting in effect: defaults, config file, environment and options combined.

    Passwords in addresses and the token are hidden.
    """
    settings = settings_of(context)
    values = settings.model_dump(mode="json")
    values["redis"]["url"] = _hide_password(settings.redis.url)
    values["web"]["token"] = "***" if settings.web.token else ""
    values["fetch"]["rsshub_base"] = _hide_password(settings.fetch.rsshub_base)
    values["folders"] = [folder.model_dump(mode="json") for folder in settings.all_folders()]
    if json:
        print_json(values)
        return
    for line in _toml(values):
        console().print(safe_text(line, limit=5000), soft_wrap=True)


def schema(json: Json = False) -> None:
    """Print the JSON Schema of a record (the field `data` of a stream entry)."""
    from worker.queries.records import article_schema

    (print_json if json else print_pretty)(article_schema())


def _hide_password(url: str) -> str:
    from worker.store.connection import printable_url

    return printable_url(url) if url else ""


def _toml(values: dict[str, Any]) -> list[str]:
    """`values` as in a config file; unset keys are comments, because TOML has no null."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict | list)}
    lines = [_assignment(key, value) for key, value in plain.items()]
    for name, part in values.items():
        if isinstance(part, dict):
            lines += ["", f"[{name}]", *(_assignment(*pair) for pair in part.items())]
        elif isinstance(part, list):
            for item in part:
                lines += ["", f"[[{name}]]", *(_assignment(*pair) for pair in item.items())]
    return lines


def _assignment(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{key} = {{ {', '.join(_assignment(*pair) for pair in value.items())} }}"
    # A JSON string, number, boolean or list is valid TOML.
    is_unset = value is None
    return f"# {key} =" if is_unset else f"{key} = {json_text.dumps(value, ensure_ascii=False)}"
