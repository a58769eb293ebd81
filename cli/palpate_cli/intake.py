"""`palpate intake` and `palpate serve intake`: keys of sources, and the service that they open."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from palpate_intake.http.sources import Source

intake = typer.Typer(help="Claims over HTTP: who may send.", no_args_is_help=True)
errors = Console(stderr=True)


def register(app: typer.Typer, serve: typer.Typer) -> None:
    """Give the main command its commands."""
    app.add_typer(intake, name="intake")
    serve.command("intake")(serve_intake)


@intake.command("key")
def key(
    name: Annotated[str, typer.Argument(help="A short name for the sender, e.g. acme.", show_default=False)],
    *,
    source: Annotated[
        str | None, typer.Option(help="The CloudEvents source that it sends; urn:pms:NAME by default.")
    ] = None,
) -> None:
    """Make a key: `palpate intake key NAME >> sources.toml` shows it this once, and writes only its SHA-256 down."""
    from pydantic import ValidationError

    try:
        made, entry = made_source(name, source)
    except ValidationError as error:
        what = {"name": "a name is of a-z, 0-9 and -", "source": "a source is a URI of up to 1024 characters"}
        fault = str(error.errors()[0]["loc"][0])
        errors.print(f"[bold red]palpate:[/] {what.get(fault, fault)}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    # Apart, so that `palpate intake key NAME >> sources.toml` shows the key and does not write it down.
    errors.print(f"The key of {entry.name}; give it to the sender. It is kept nowhere and not shown again:")
    errors.print(f"  {made}", highlight=False, soft_wrap=True)
    errors.print("The lines for the sources file (PALPATE_SOURCES), which is read again by itself:")
    print(lines_of(entry), end="")


def made_source(name: str, source: str | None = None) -> "tuple[str, Source]":
    """A new key, and the source that holds it; `source` is `urn:pms:NAME` by default.

    Raises:
        pydantic.ValidationError: the name or the source does not fit.
    """
    from palpate_intake.http.keys import hashed, new_key
    from palpate_intake.http.sources import Source

    made = new_key()
    return made, Source(name=name, source=source or f"urn:pms:{name}", keys=(hashed(made),))


def lines_of(entry: "Source") -> str:
    """The lines of a sources file that name a source with one key: TOML, whose strings are written as JSON's are."""
    import json

    fields = {"name": entry.name, "source": entry.source}
    lines = [f"{field} = {json.dumps(value)}" for field, value in fields.items()]
    return "\n".join(["[[source]]", *lines, f"keys = [{json.dumps(entry.keys[0])}]", ""])


def serve_intake() -> None:
    """Take claims in over HTTP: writes claims.created, answers with verdicts, and sends webhooks."""
    from palpate_intake.app import intake_service
    from palpate_intake.settings import IntakeSettings
    from palpate_runtime.logs import configure

    settings = IntakeSettings()
    configure("intake", log_format=settings.log_format, level=settings.log_level)
    try:
        service = intake_service(settings)
    except ValueError as error:
        errors.print(f"[bold red]palpate:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    service.run()
