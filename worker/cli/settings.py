"""`config check`, `config show`, `schema`: what is set, and what comes out."""

from typing import Any

import typer

from worker.cli.options import Json, call_of, settings_of

PANEL = "Settings and contracts"

config = typer.Typer(no_args_is_help=True, help="Check and show the settings.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(config, name="config", rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL)(schema)


@config.command()
def check(context: typer.Context, json: Json = False) -> None:
    """Check settings, site rules and feeds; exit 2 and say what to change if they are wrong."""
    from worker.cli.output import console, counted, outside, print_json
    from worker.feeds.catalog import load_catalog
    from worker.settings import config_file
    from worker.sites import open_sites

    settings = settings_of(context)
    open_sites(settings)
    feeds = len(load_catalog(settings))
    folders = settings.all_folders()
    read = config_file(call_of(context).config)
    if json:
        print_json(
            {
                "ok": True,
                "config": str(read),
                "state_dir": str(settings.state_dir),
                "sources": [folder.name for folder in folders],
                "feeds": feeds,
            }
        )
        return
    console().print(
        outside(str(read)).append(
            f" is right, and so are the site rules and {counted(feeds, 'feed')}"
        )
    )


@config.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Show every setting as it is now: defaults, config file, environment and options together.

    Passwords in addresses are left out, and so is the token.
    """
    from worker.cli.output import console, outside, print_json

    settings = settings_of(context)
    shown = settings.model_dump(mode="json")
    shown["redis"]["url"] = _without_password(settings.redis.url)
    shown["web"]["token"] = "***" if settings.web.token else ""
    shown["fetch"]["rsshub_base"] = _without_password(settings.fetch.rsshub_base)
    shown["folders"] = [folder.model_dump(mode="json") for folder in settings.all_folders()]
    if json:
        print_json(shown)
        return
    for line in _toml(shown):
        console().print(outside(line, limit=5000), soft_wrap=True)


def schema(json: Json = False) -> None:
    """Print the JSON Schema of a record (the object in a stream entry's field `data`)."""
    from worker.cli.output import print_json, print_pretty
    from worker.queries.records import article_schema

    (print_json if json else print_pretty)(article_schema())


def _without_password(url: str) -> str:
    from worker.store.connection import shown_url

    return shown_url(url) if url else ""


def _toml(values: dict[str, Any]) -> list[str]:
    """`values` as a config file has them; unset keys are comments, for TOML has no null."""
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
    import json

    if isinstance(value, dict):
        return f"{key} = {{ {', '.join(_assignment(*pair) for pair in value.items())} }}"
    # A JSON string, number, boolean or list is a TOML one.
    return f"# {key} =" if value is None else f"{key} = {json.dumps(value, ensure_ascii=False)}"
