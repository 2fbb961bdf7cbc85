"""`config check`, `config show` and `schema`: the settings, and the record's JSON Schema."""

import json as json_text
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from worker.cli.options import Json, config_of, flag, loaded_of, settings_of
from worker.cli.output import console, print_json, print_note, print_pretty, print_result, safe_text
from worker.escape import printable
from worker.translation import count_noun

app = typer.Typer(no_args_is_help=True, help="Check and show the settings.")


@app.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Check the settings, and all else that `up` would refuse; exit 2 and say what to fix."""
    from worker.feeds.catalog import load_catalog
    from worker.health.preflight import check_without_start
    from worker.service.port import check_host
    from worker.settings import config_file
    from worker.sources.archive_bucket import archive_client
    from worker.sources.objects import bucket_client

    settings = settings_of(context)
    check_host(settings)
    check_without_start(settings, print_note)
    for bucket in settings.buckets:
        bucket_client(bucket)
    if settings.archive.url:
        archive_client(settings)
    feed_count = len(load_catalog(settings))
    path, feeds = str(config_file(config_of(context))), count_noun(feed_count, "feed")
    document = {"ok": True, "config": path, "state_dir": str(settings.state_dir)}
    document |= {"sources": settings.source_names(), "feeds": feed_count}
    text = f"{printable(path)}, the site rules and {feeds}: no errors"
    print_result(document, text, json=json)


@app.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Show every setting in effect, and where it was set.

    That is the config file, an environment variable, or the run file of `up`; the rest are
    defaults. With --json, `places` has it by key. Passwords in addresses and the token are hidden.
    """
    loaded = loaded_of(context)
    settings = loaded.settings
    values = settings.model_dump(mode="json")
    values["redis"]["url"] = _hide_password(settings.redis.url)
    values["celery"]["broker_url"] = _hide_password(settings.celery.broker_url)
    values["web"]["token"] = "***" if settings.web.token else ""
    values["fetch"]["rsshub_base"] = _hide_password(settings.fetch.rsshub_base)
    values["folders"] = [folder.model_dump(mode="json") for folder in settings.all_folders()]
    if json:
        print_json({**values, "places": loaded.places})
        return
    for line in _toml(values, loaded.places):
        console().print(safe_text(line, limit=5000), soft_wrap=True)


def schema(
    withdrawn: Annotated[bool, flag("--withdrawn", "The schema of a withdrawal's data.")] = False,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a record (the field `data` of a stream entry)."""
    from worker.queries.records import article_schema

    (print_json if json else print_pretty)(article_schema(is_withdrawal=withdrawn))


def _hide_password(url: str) -> str:
    from worker.store.connection import printable_url

    return printable_url(url) if url else ""


def _toml(values: dict[str, Any], places: Mapping[str, str]) -> list[str]:
    """`values` as in a config file; unset keys are comments, because TOML has no null. A value that
    is not a default has a comment with its place."""
    lines: list[str] = []

    def add(key: str, value: Any, prefix: str = "") -> None:
        place = places.get(prefix + key) or places.get(prefix.rstrip("."))
        lines.append(_assignment(key, value) + (f"  # {place}" if place else ""))

    for key, value in values.items():
        if not isinstance(value, dict | list):
            add(key, value)
    for name, part in values.items():
        for item in part if isinstance(part, list) else [part] if isinstance(part, dict) else []:
            lines += ["", f"[[{name}]]" if isinstance(part, list) else f"[{name}]"]
            for key, value in item.items():
                add(key, value, f"{name}.")
    return lines


def _assignment(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{key} = {{ {', '.join(_assignment(*pair) for pair in value.items())} }}"
    # A JSON string, number, boolean or list is valid TOML.
    is_unset = value is None
    return f"# {key} =" if is_unset else f"{key} = {json_text.dumps(value, ensure_ascii=False)}"
