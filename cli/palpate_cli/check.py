"""`palpate check`: the validator's engine on files."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape

from palpate_cli.reports import REPORTS, AnswersUnreadable, Report
from palpate_cli.reports.tally import Tally
from palpate_cli.reports.whole_file import why_not_written, write_whole
from palpate_intake.files import STDIN_NAME, open_files
from palpate_intake.outcome import Outcome, ReadClaim, Unreadable
from palpate_intake.reading import read_claims
from palpate_intake.replies.stamp import CannotAnswer
from palpate_schemas.values import Verdict
from palpate_validator.book import RuleBook, load_rule_book
from palpate_validator.engine import Judgement, judge
from palpate_validator.profiles import Profile
from palpate_validator.verdicts import voided

PASSED, FAILED, UNREADABLE = 0, 1, 2

TOGETHER = 16
"""Claims of a file that take each step together, reading, judging, printing: a step's code then stays in the caches."""

errors = Console(stderr=True)


class Judged(NamedTuple):
    """One claim of one file, judged."""

    file: str
    read: ReadClaim
    judgement: Judgement


class Unread(NamedTuple):
    """What could not be read of one file."""

    file: str
    read: Unreadable


def check_files(
    patterns: Sequence[str],
    *,
    payer_profile: str | None,
    profile_folders: tuple[Path, ...],
    table_store: Path | None = None,
    as_of: date | None,
    output: str,
    show_undetermined: bool,
    page: Path | None = None,
) -> int:
    """Judge files, print, and write the page where one is asked for; returns the exit code of the contract."""
    if page is not None and (why := why_not_written(page)) is not None:
        _complain(why)
        return UNREADABLE
    try:
        book = load_rule_book(profile_folders, table_store)
        profile = _profile(book, payer_profile)
    except ValueError as error:
        _complain(str(error))
        return UNREADABLE
    _spare_the_collector()
    report = REPORTS[output](book, show_undetermined=show_undetermined)
    tally = Tally() if page is not None else None
    code = PASSED
    with _progress() as one_more:
        for found in _judge_all(patterns, book, profile, as_of):
            if isinstance(found, Judged):
                try:
                    _print(report.claim(found.file, found.read, found.judgement))
                except CannotAnswer as error:
                    _complain(str(error))
                    code = UNREADABLE
                if tally is not None:
                    tally.claim(found.file, found.read, found.judgement)
                if found.judgement.verdict is Verdict.FAIL and code == PASSED:
                    code = FAILED
                if one_more is not None:
                    one_more()
            else:
                _tell(report, tally, found)
                code = UNREADABLE
    _print(report.end())
    if page is not None and tally is not None and not _written(page, tally, book):
        return UNREADABLE
    return code


def _written(page: Path, tally: Tally, book: RuleBook) -> bool:
    """Write the page and say so on stderr."""
    from palpate_cli.reports.page import render_page  # templates are loaded where a page is asked for

    try:
        write_whole(page, render_page(tally, book.ruleset, datetime.now().astimezone()))
    except OSError as error:
        _complain(f"the report cannot be written to {page}: {error.strerror or error}")
        return False
    errors.print(f"report: {escape(str(page))}", highlight=False, soft_wrap=True)
    return True


def _judge_all(
    patterns: Iterable[str], book: RuleBook, profile: Profile | None, as_of: date | None
) -> Iterator[Judged | Unread | str]:
    """Every claim of every file, judged, or why it could not be read; a text where a file could not be opened."""
    try:
        for name, stream in open_files(patterns):
            with stream:
                # Whoever sends claims to our stdin one by one waits for each verdict.
                for reads in _together(read_claims(stream, name, lean=True), 1 if name == STDIN_NAME else TOGETHER):
                    yield from [
                        Unread(name, read)
                        if isinstance(read, Unreadable)
                        else Judged(name, read, _judge(read, book, profile, as_of))
                        for read in reads
                    ]
    except OSError as error:
        yield f"{error.filename or 'input'}: {error.strerror or error}"


def _together(reads: Iterable[Outcome], most: int) -> Iterator[list[Outcome]]:
    """So many at a time; what was read before a file cannot be read on is given, too."""
    some: list[Outcome] = []
    try:
        for read in reads:
            some.append(read)
            if len(some) == most:
                yield some
                some = []
    except OSError:
        yield some
        raise
    yield some


def _spare_the_collector() -> None:
    """The rule book stays, and claims hold no cycles: garbage is looked for seldom, and not in the book."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def _tell(report: Report, tally: Tally | None, found: Unread | str) -> None:
    """One line on stderr, and what the report has for it."""
    if isinstance(found, str):
        _complain(found)
        if tally is not None:
            tally.complaint(found)
        return
    _complain(complaint(found.file, found.read))
    if tally is not None:
        tally.unreadable(found.file, found.read)
    if isinstance(report, AnswersUnreadable):
        try:
            _print(report.unreadable(found.file, found.read))
        except CannotAnswer as error:
            _complain(str(error))


def _judge(read: ReadClaim, book: RuleBook, profile: Profile | None, as_of: date | None) -> Judgement:
    event = read.event
    submitted_on = read.claim.submitted_on or (event.time.date() if event is not None and event.time else None) or as_of
    withdrawn = event is not None and voided(event)
    return judge(read.claim, submitted_on, book, profile=profile, withdrawn=withdrawn)


def complaint(name: str, read: Unreadable) -> str:
    """What could not be read, where and why; a reason that names the file says where by itself."""
    reasons = reasons_in_words(read)
    return reasons if reasons.startswith(name) else f"{name}: {read.position}: {reasons}"


def reasons_in_words(read: Unreadable) -> str:
    """Why something could not be read, with the place of each reason in the claim."""
    return "; ".join(f"{each.pointer}: {each.reason}" if each.pointer else each.reason for each in read.reasons)


def _profile(book: RuleBook, name: str | None) -> Profile | None:
    if name is None:
        return None
    if name not in book.profiles.by_id:
        raise ValueError(f"no payer profile {name!r}; there are {', '.join(sorted(book.profiles.by_id))}")
    return book.profiles.by_id[name]


def _print(text: str) -> None:
    if text:
        sys.stdout.write(text)


def _complain(text: str) -> None:
    errors.print(f"[bold red]palpate:[/] {escape(text)}", highlight=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Callable[[], None] | None]:
    """On stderr, gone when done, and only where somebody looks: piping the output stays clean."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        yield partial(progress.advance, progress.add_task("judging", total=None))
