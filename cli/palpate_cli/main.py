"""`palpate`: judge claim files, send them, and run the whole thing on one machine."""

import gc
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from palpate_cli import intake, operations
from palpate_cli.options import DataFolder, Output, RedisUrl, TextOrJson
from palpate_cli.settings import read_settings

app = typer.Typer(
    name="palpate",
    help="Finds what is wrong with a manual-therapy (97140) claim before the payer does.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    add_completion=True,
)
serve = typer.Typer(help="Run one service of a deployment.", no_args_is_help=True)
app.add_typer(serve, name="serve")
route = typer.Typer(help="Who is told of what.", no_args_is_help=True)
app.add_typer(route, name="route")
audit = typer.Typer(help="Who did or saw what.", no_args_is_help=True)
app.add_typer(audit, name="audit")
tables = typer.Typer(help="CMS's NCCI and MUE tables, imported by this site.", no_args_is_help=True)
app.add_typer(tables, name="tables")

operations.register(app)
intake.register(app, serve)

errors = Console(stderr=True)

ProfileFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--profiles",
        envvar="PALPATE_PROFILES",
        help="Folder with payer profiles of your own, laid over the shipped ones.",
        exists=True,
        file_okay=False,
    ),
]

TableStore = Annotated[
    Path | None,
    typer.Option(
        "--tables",
        "--store",
        envvar="PALPATE_TABLES",
        help="Folder with CMS's imported tables; by default `tables` in the data folder.",
        file_okay=False,
    ),
]


class TableKind(StrEnum):
    """Which of CMS's tables."""

    PTP = "ptp"
    MUE = "mue"


class Format(StrEnum):
    """How `palpate check` prints."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    SARIF = "sarif"
    CLAIM_ACKNOWLEDGMENT = "277ca"
    IMPLEMENTATION_ACKNOWLEDGMENT = "999"
    OPERATION_OUTCOME = "operationoutcome"
    TASK = "task"


class ListFormat(StrEnum):
    """How a list is printed."""

    TEXT = "text"
    JSON = "json"


def fail(message: str, code: int = 2) -> typer.Exit:
    """One clear line on stderr, and the exit that follows it."""
    errors.print(f"[bold red]palpate:[/] {message}", highlight=False, soft_wrap=True)
    return typer.Exit(code)


@app.command()
def check(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Claim files, folders or globs: JSON, JSON lines, FHIR, 837P; .gz and .zip too; - is stdin.",
            show_default=False,
        ),
    ],
    *,
    payer_profile: Annotated[str | None, typer.Option(help="Judge every claim by this payer profile.")] = None,
    profiles: ProfileFolders = None,
    tables: TableStore = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day the claims go to the payer, where they do not say."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write one HTML page to this file: by clinician, rule and payer, to read and print."),
    ] = None,
    undetermined: Annotated[
        bool,
        typer.Option(
            "--undetermined", help="Text: also list notices, and what could not be checked for want of which fact."
        ),
    ] = False,
) -> None:
    """Judge claim files.  Exit 0: all pass; 1: some fail; 2: some could not be read (the rest is still judged)."""
    gc.disable()  # until the rule book is there: nothing of it is garbage, and looking costs a tenth of the start
    try:
        from palpate_cli.check import check_files
        from palpate_cli.where import table_store

        code = check_files(
            files,
            payer_profile=payer_profile,
            profile_folders=tuple(profiles or ()),
            table_store=table_store(tables),
            as_of=as_of.date() if as_of else None,
            output=output.value,
            show_undetermined=undetermined,
            page=report,
        )
    finally:
        gc.enable()
    raise typer.Exit(code)


@app.command()
def rule(
    rule_id: Annotated[str, typer.Argument(help="A rule's id, e.g. units-total-over.", show_default=False)],
) -> None:
    """Show a rule's page: what it checks, why, how to fix it."""
    from palpate_cli.rule_pages import show_rule

    raise typer.Exit(show_rule(rule_id))


@app.command()
def rules(
    *,
    family: Annotated[str | None, typer.Option(help="Only one family, e.g. units.")] = None,
    payer: Annotated[str | None, typer.Option(help="Only what this payer profile or program applies.")] = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="In force on this date of service; today by default when --payer is given."
        ),
    ] = None,
    profiles: ProfileFolders = None,
    output: Output = TextOrJson.TEXT,
    write: Annotated[Path | None, typer.Option(help="Write every page and the index below this folder.")] = None,
) -> None:
    """List the rules, with what is in force for a payer on a day."""
    from palpate_cli.rule_pages import list_rules, write_pages

    if write is not None:
        write_pages(write)
        raise typer.Exit
    raise typer.Exit(
        list_rules(
            family=family,
            payer=payer,
            on=on.date() if on else None,
            profile_folders=tuple(profiles or ()),
            as_json=output is TextOrJson.JSON,
        )
    )


@app.command("diff-rules")
def diff_rules(
    *,
    earlier: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The earlier date of service.", show_default=False)
    ],
    later: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The later date of service.", show_default=False)
    ],
    payer: Annotated[str | None, typer.Option(help="Only what this payer profile or program applies.")] = None,
    profiles: ProfileFolders = None,
    store: TableStore = None,
    output: Annotated[ListFormat, typer.Option("--format", help="How to print.")] = ListFormat.TEXT,
) -> None:
    """Show what the rule book demands differently between two dates of service."""
    from palpate_cli.diff_rules import show_differences
    from palpate_cli.where import table_store

    raise typer.Exit(
        show_differences(
            earlier.date(),
            later.date(),
            payer=payer,
            profile_folders=tuple(profiles or ()),
            table_store=table_store(store),
            as_json=output is ListFormat.JSON,
        )
    )


@tables.command("import")
def tables_import(
    files: Annotated[
        list[Path], typer.Argument(help="CMS's files as they come: zip, TXT, CSV or XLSX.", show_default=False)
    ],
    *,
    store: TableStore = None,
    quarter: Annotated[str | None, typer.Option(help="Like 2026Q3, where the files' names do not tell it.")] = None,
) -> None:
    """Read CMS's files into the store: all parts of a table at once.  Older quarters are kept."""
    from palpate_cli.tables import import_tables
    from palpate_cli.where import table_store

    raise typer.Exit(import_tables(files, table_store(store), quarter=quarter))


@tables.command("list")
def tables_list(*, store: TableStore = None) -> None:
    """List the imported tables."""
    from palpate_cli.tables import list_tables
    from palpate_cli.where import table_store

    raise typer.Exit(list_tables(table_store(store)))


@tables.command("diff")
def tables_diff(
    old: Annotated[str, typer.Argument(help="The earlier quarter, like 2026Q2.", show_default=False)],
    new: Annotated[str, typer.Argument(help="The later quarter, like 2026Q3.", show_default=False)],
    *,
    store: TableStore = None,
    program: Annotated[str, typer.Option(help="medicare or medicaid.")] = "medicare",
    setting: Annotated[str, typer.Option(help="practitioner, outpatient_hospital or dme_supplier.")] = "practitioner",
    table: Annotated[TableKind, typer.Option(help="Pairs of codes, or unit limits.")] = TableKind.PTP,
) -> None:
    """Show what changed for 97140 from one imported quarter to another."""
    from palpate_cli.tables import diff_tables
    from palpate_cli.where import table_store

    raise typer.Exit(diff_tables(old, new, table_store(store), program=program, setting=setting, table=table.value))


@app.command()
def schema(
    event_type: Annotated[
        str | None,
        typer.Argument(
            help="An event type, e.g. claim.created; `asyncapi` for the streams, `openapi` for HTTP.",
            show_default=False,
        ),
    ] = None,
    *,
    write: Annotated[Path | None, typer.Option(help="Write every schema below this folder.")] = None,
) -> None:
    """Print the JSON Schema of an event, the AsyncAPI or the OpenAPI document."""
    import json

    from palpate_intake.http import openapi
    from palpate_schemas import build

    if write is not None:
        for path in build.write(write, {"openapi.json": openapi.text()}):
            print(path)
    elif event_type is None:
        print("\n".join([*build.MODELS, "asyncapi", "openapi"]))
    elif event_type == "asyncapi":
        print(json.dumps(build.asyncapi(), indent=2))
    elif event_type == "openapi":
        print(openapi.text(), end="")
    elif event_type in build.MODELS:
        print(json.dumps(build.json_schema(event_type), indent=2))
    else:
        raise fail(f"no event type {event_type!r}; `palpate schema` lists them")


@app.command()
def send(
    files: Annotated[list[str], typer.Argument(help="Claim files, as for `palpate check`.", show_default=False)],
    *,
    redis: RedisUrl = None,
    data: DataFolder = None,
    source: Annotated[str, typer.Option(help="Who sends, for claims that are not events yet.")] = "urn:palpate:cli",
    event_type: Annotated[
        str | None,
        typer.Option(
            "--type", help="claim.created, claim.corrected or claim.voided, for claims that are not events yet."
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(help="Wait this many seconds for the verdicts and show them; 0 does not wait.")
    ] = 10.0,
) -> None:
    """Publish claims to a running Palpate.  Sending the same file twice is the same event, judged once."""
    from palpate_cli.send import send_files
    from palpate_cli.where import redis_url

    raise typer.Exit(send_files(files, redis_url(redis, data), source=source, event_type=event_type, wait_s=wait))


@app.command()
def watch(
    folder: Annotated[
        Path, typer.Argument(help="The folder; in, work, done and failed are made below it.", show_default=False)
    ],
    *,
    redis: RedisUrl = None,
    data: DataFolder = None,
    source: Annotated[
        str, typer.Option(help="Who sends.  An event in a file that names somebody else is not published.")
    ] = "urn:palpate:folder",
    any_source: Annotated[
        bool, typer.Option("--any-source", help="Publish the events in files whatever their source is.")
    ] = False,
    settle: Annotated[
        float, typer.Option(help="Take a file when it has not changed for so many seconds.", min=0.0)
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Do what is there and end; exit 1: some was not published.")
    ] = False,
) -> None:
    """Publish every claim file that is put into FOLDER/in; it then lies in done, or in failed with the reasons."""
    from palpate_cli.watch import watch_folder
    from palpate_cli.where import redis_url

    url = redis_url(redis, data)
    raise typer.Exit(watch_folder(folder, url, source=source, any_source=any_source, settle_s=settle, once=once))


@app.command()
def status(
    *,
    redis: RedisUrl = None,
    data: DataFolder = None,
    database: Annotated[str | None, typer.Option(help="The notifier's database URL.")] = None,
    output: Output = TextOrJson.TEXT,
) -> None:
    """Show streams, lag, pending entries, rates, and open cases."""
    from palpate_cli.status import show_status
    from palpate_cli.where import database_url, redis_url

    raise typer.Exit(
        show_status(redis_url(redis, data), database_url(database, data), as_json=output is TextOrJson.JSON)
    )


@app.command()
def up(
    *,
    data: DataFolder = None,
    redis_port: Annotated[int | None, typer.Option(help="Port of the embedded Redis; a free one by default.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line of every process.")] = False,
) -> None:
    """Run everything on this machine: Redis, validator, notifier, HTTP intake, a mail sink.  Ctrl-C stops it all."""
    import asyncio

    from palpate_cli.up import run_up
    from palpate_cli.where import data_folder

    raise typer.Exit(asyncio.run(run_up(data_folder(data), redis_port=redis_port, verbose=verbose)))


@app.command()
def demo(
    *,
    samples: Annotated[Path, typer.Option(help="Folder with the sample claims.", exists=True, file_okay=False)] = Path(
        "samples"
    ),
    keep: Annotated[Path | None, typer.Option(help="Keep the data in this folder, to look at afterwards.")] = None,
) -> None:
    """The main job, live: sample claims go in, the clinician is told, the correction closes the case."""
    import asyncio

    from palpate_cli.demo import run_demo

    raise typer.Exit(asyncio.run(run_demo(samples, keep)))


@route.command("explain")
def route_explain(
    what: Annotated[
        str, typer.Argument(help="A claim file, or the number of a claim that has a case.", show_default=False)
    ],
    *,
    directory: Annotated[Path | None, typer.Option(help="Who is who; by default PALPATE_DIRECTORY.")] = None,
    routes: Annotated[Path | None, typer.Option(help="The routing file; by default PALPATE_ROUTES, or ours.")] = None,
    data: DataFolder = None,
    database: Annotated[str | None, typer.Option(help="The notifier's database URL.")] = None,
    profiles: ProfileFolders = None,
    output: Output = TextOrJson.TEXT,
) -> None:
    """Show who would be told of a claim, by which route, when and why.  Nothing is sent."""
    from palpate_cli.route import explain_routes
    from palpate_cli.where import database_url, directory_file, routes_file

    raise typer.Exit(
        explain_routes(
            what,
            directory=directory_file(directory, data),
            routes=routes_file(routes),
            database_url=database_url(database, data),
            profile_folders=tuple(profiles or ()),
            as_json=output is TextOrJson.JSON,
        )
    )


@route.command("enable")
def route_enable(
    person: Annotated[str, typer.Argument(help="Somebody's id in the directory.", show_default=False)],
    *,
    data: DataFolder = None,
    database: Annotated[str | None, typer.Option(help="The notifier's database URL.")] = None,
) -> None:
    """Use somebody's addresses again that had bounced.  It goes into the audit.  Exit 1: none had."""
    from palpate_cli.route import enable_addresses

    raise typer.Exit(enable_addresses(person, _database(database, data)))


@audit.command("verify")
def audit_verify(
    *,
    data: DataFolder = None,
    database: Annotated[str | None, typer.Option(help="The notifier's database URL.")] = None,
    until: Annotated[str | None, typer.Option(help="A last hash that was kept elsewhere.")] = None,
) -> None:
    """Check that no entry was changed or taken out.  Exit 0: it holds; 1: it does not."""
    from palpate_cli.audit_log import verify_audit

    raise typer.Exit(verify_audit(_database(database, data), until=until))


@audit.command("export")
def audit_export(
    *,
    data: DataFolder = None,
    database: Annotated[str | None, typer.Option(help="The notifier's database URL.")] = None,
) -> None:
    """Print every entry as a JSON line."""
    from palpate_cli.audit_log import export_audit

    raise typer.Exit(export_audit(_database(database, data)))


def _database(given: str | None, data: Path | None) -> str:
    from palpate_cli.where import database_url

    url = database_url(given, data)
    if url is None:
        raise fail("no case database here; --database URL or --data FOLDER says where it is")
    return url


@app.command("mail-sink", hidden=True)
def mail_sink(port: Annotated[int, typer.Option()], folder: Annotated[Path, typer.Option()]) -> None:
    """Keep every mail in a folder instead of delivering it."""
    from palpate_cli.mail_sink import run
    from palpate_runtime.logs import configure

    configure("mail")
    run(folder, port)


@serve.command("validator")
def serve_validator() -> None:
    """Judge claims: reads claims.created, writes claims.passed, claims.failed and claims.rejected."""
    from palpate_runtime.logs import configure
    from palpate_validator.app import validator_service
    from palpate_validator.settings import ValidatorSettings

    try:
        settings = read_settings(ValidatorSettings)
        configure("validator", log_format=settings.log_format, level=settings.log_level)
        service = validator_service(settings)
    except ValueError as error:
        raise fail(str(error)) from error
    service.run()


@serve.command("notifier")
def serve_notifier() -> None:
    """Tell clinicians: reads claims.failed and claims.passed, keeps the cases, sends mail, writes corrections."""
    from palpate_cli.rule_pages import page_named
    from palpate_notifier.app import notifier_service
    from palpate_notifier.settings import NotifierSettings
    from palpate_runtime.logs import configure

    try:
        settings = read_settings(NotifierSettings)
        configure("notifier", log_format=settings.log_format, level=settings.log_level)
        service = notifier_service(settings, page_named)
    except ValueError as error:
        raise fail(str(error)) from error
    service.run()


def version_asked(*, asked: bool) -> None:
    """`--version`: the program's and the rule book's."""
    if asked:
        from importlib.metadata import version

        print(f"palpate {version('palpate')}, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def root(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda value: version_asked(asked=value), is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Finds what is wrong with a manual-therapy (97140) claim before the payer does."""
    del show_version  # answered by its callback
