"""The commands of whoever runs Palpate: `dlq`, `reconcile` and `doctor`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palpate_cli.options import DataFolder, Output, RedisUrl, TextOrJson

if TYPE_CHECKING:
    from palpate_cli.dlq import Filters

dlq = typer.Typer(help="What could not be handled: list, show, replay, drop.", no_args_is_help=True)

Database = Annotated[str | None, typer.Option(help="The notifier's database URL.")]
Partitions = Annotated[int, typer.Option(envvar="PALPATE_PARTITIONS", min=1, help="How many partitions there are.")]
Stream = Annotated[str | None, typer.Option(help="Only from this stream, e.g. claims.created.")]
Error = Annotated[str | None, typer.Option(help="Only where the error has this word.")]
Claim = Annotated[str | None, typer.Option(help="Only of this claim number.")]
Since = Annotated[str | None, typer.Option(help="Only given up within this time: 90s, 30m, 12h, 7d.")]
Limit = Annotated[int, typer.Option(min=1, help="At most this many.")]
Letters = Annotated[list[str] | None, typer.Argument(help="Ids of letters; without any, what the filters say.")]
Reason = Annotated[str, typer.Option(help="Why; it goes into the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


def register(app: typer.Typer) -> None:
    """Give the main command its commands."""
    app.add_typer(dlq, name="dlq")
    app.command()(reconcile)
    app.command()(doctor)


@dlq.command("list")
def dlq_list(
    *,
    stream: Stream = None,
    error: Error = None,
    claim: Claim = None,
    since: Since = None,
    limit: Limit = 100,
    redis: RedisUrl = None,
    data: DataFolder = None,
    partitions: Partitions = 1,
    output: Output = TextOrJson.TEXT,
) -> None:
    """List what was given up, with its error.  Exit 0: there is something; 1: there is nothing."""
    from palpate_cli.dlq import Filters, list_letters

    url = _url(redis, data)
    filters = Filters(stream=stream, error=error, claim=claim, since=_span(since), limit=limit)
    raise typer.Exit(list_letters(url, filters, _all(url, partitions), as_json=output is TextOrJson.JSON))


@dlq.command("show")
def dlq_show(
    letter: Annotated[str, typer.Argument(help="A letter's id.", show_default=False)],
    *,
    phi: Annotated[bool, typer.Option("--phi", help="Print the event too; it may hold PHI.")] = False,
    redis: RedisUrl = None,
    data: DataFolder = None,
    partitions: Partitions = 1,
) -> None:
    """Show one letter."""
    from palpate_cli.dlq import show_letter

    url = _url(redis, data)
    raise typer.Exit(show_letter(url, letter, _all(url, partitions), phi=phi))


@dlq.command("replay")
def dlq_replay(
    letters: Letters = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that the filters leave.")] = False,
    stream: Stream = None,
    error: Error = None,
    claim: Claim = None,
    since: Since = None,
    limit: Limit = 100,
    reason: Reason = "",
    dry_run: DryRun = False,
    redis: RedisUrl = None,
    data: DataFolder = None,
    partitions: Partitions = 1,
) -> None:
    """Send letters again, byte for byte, to the stream that they came from.  Twice is once."""
    from palpate_cli.dlq import Filters

    _needs_a_choice(letters, everything=everything, filtered=any((stream, error, claim, since)))
    filters = Filters(stream, error, claim, _span(since), tuple(letters or ()), limit)
    _settle("replay", filters, redis, data, partitions, reason=reason, dry_run=dry_run)


@dlq.command("drop")
def dlq_drop(
    letters: Letters = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that the filters leave.")] = False,
    stream: Stream = None,
    error: Error = None,
    claim: Claim = None,
    since: Since = None,
    limit: Limit = 100,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit.", show_default=False)],
    dry_run: DryRun = False,
    redis: RedisUrl = None,
    data: DataFolder = None,
    partitions: Partitions = 1,
) -> None:
    """Give letters up for good.  Their events are gone then; the audit keeps who, why and a digest."""
    from palpate_cli.dlq import Filters

    _needs_a_choice(letters, everything=everything, filtered=any((stream, error, claim, since)))
    filters = Filters(stream, error, claim, _span(since), tuple(letters or ()), limit)
    _settle("drop", filters, redis, data, partitions, reason=reason, dry_run=dry_run)


def reconcile(
    *,
    expected: Annotated[
        Path | None,
        typer.Option(help="What the sender says it sent: claim number and version, one a line, comma between."),
    ] = None,
    request: Annotated[bool, typer.Option("--request", help="Ask again for what is still there.")] = False,
    redis: RedisUrl = None,
    data: DataFolder = None,
    database: Database = None,
    partitions: Partitions = 1,
    output: Output = TextOrJson.TEXT,
) -> None:
    """Hold what was created, judged and made a case against each other.  Exit 0: it adds up; 1: it does not."""
    from palpate_cli.reconcile import reconcile as compare
    from palpate_cli.where import database_url

    url = _url(redis, data)
    raise typer.Exit(
        compare(
            url,
            database_url(database, data),
            _all(url, partitions),
            expected=expected,
            request=request,
            as_json=output is TextOrJson.JSON,
        )
    )


def doctor(
    *,
    redis: RedisUrl = None,
    data: DataFolder = None,
    database: Database = None,
    partitions: Partitions = 1,
    output: Output = TextOrJson.TEXT,
) -> None:
    """Look for what will hurt one day, and say what to do.  Exit 0: no errors; 1: errors; 2: no Redis."""
    from palpate_cli.doctor import examine
    from palpate_cli.where import database_url

    url = _url(redis, data)
    raise typer.Exit(
        examine(url, database_url(database, data), _all(url, partitions), as_json=output is TextOrJson.JSON)
    )


def _settle(
    action: str,
    filters: "Filters",
    redis: str | None,
    data: Path | None,
    partitions: int,
    *,
    reason: str,
    dry_run: bool,
) -> None:
    from palpate_cli.dlq import settle_letters

    url = _url(redis, data)
    raise typer.Exit(settle_letters(url, action, filters, _all(url, partitions), reason=reason, dry_run=dry_run))


def _needs_a_choice(letters: list[str] | None, *, everything: bool, filtered: bool) -> None:
    if not letters and not everything and not filtered:
        raise typer.BadParameter("name letters, use a filter, or say --all")


def _span(text: str | None) -> timedelta | None:
    from palpate_cli.dlq import span

    try:
        return None if text is None else span(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _url(redis: str | None, data: Path | None) -> str:
    from palpate_cli.where import redis_url

    return redis_url(redis, data)


def _all(url: str, partitions: int) -> tuple[int | None, ...]:
    from palpate_runtime.settings import all_partitions

    return all_partitions(url, partitions)
