"""`switchboard users sync`: bring the directory to what a file, a user pool or a database says of people."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from cli import options, output
from cli.errors import Code, Failure, failure_of
from cli.tools import tools_of
from cli.user_database import from_postgres
from cli.user_directory import DeployedDirectory, claims
from cli.user_sources import Mapped, from_file, from_user_pool
from switchboard.messages.sync import Rehearsal, synchronise
from switchboard.messages.sync_rows import Outcome, Problem, Status
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Generator

    from cli.session import Target
    from switchboard.messages.sync import Directory
    from switchboard.messages.sync_rows import Row


def sync(
    context: typer.Context,
    *,
    file: Annotated[
        str | None, typer.Option("--file", metavar="F", help="A JSON or CSV file in UTF-8, or - for standard input.")
    ] = None,
    user_pool: Annotated[
        str | None,
        typer.Option("--user-pool", metavar="ID", help="A Cognito user pool of the same account and region."),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(
            "--postgres",
            metavar="DSN",
            help="A PostgreSQL connection string; the password belongs into PGPASSWORD or ~/.pgpass, not here.",
        ),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="SQL", help="With --postgres: the SELECT that answers the people.")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="With --postgres: the table that holds the people.")
    ] = None,
    handle: Annotated[
        str | None, typer.Option("--handle-from", metavar="COLUMN", help="Column or attribute of the handle.")
    ] = None,
    display_name: Annotated[
        str | None, typer.Option("--display-name-from", metavar="COLUMN", help="The same of the display name.")
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email-from", metavar="COLUMN", help="The same of the e-mail address.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject-from", metavar="COLUMN", help="The same of the Cognito subject.")
    ] = None,
    uuid: Annotated[
        str | None, typer.Option("--uuid-from", metavar="COLUMN", help="The same of the user's uuid.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Let a subject have the user with its handle who has no subject yet.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: a line per row, then one with the summary.")
    ] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Bring the profiles of people to what a source says of them.

    Columns are called user_uuid, cognito_sub, handle, display_name and email, attributes of a user pool sub,
    preferred_username, name and email, unless options say otherwise. Handle and display name are needed. What the
    source has no column for stays as it is, and so does what an option names and a person has not; one that nobody has
    is refused. Nobody is removed. People of a pool who never confirmed their sign-up are left out. A row without a uuid
    stands for the user with its subject, else, if it has none, for the one with its handle, else for a new user. Run it
    again at any time: what is done is not done twice. Ends with 5 where a row was refused.
    """
    said = {
        schema.HANDLE: handle,
        schema.DISPLAY_NAME: display_name,
        schema.EMAIL: email,
        schema.COGNITO_SUB: subject,
        schema.USER_UUID: uuid,
    }
    mapped = Mapped({field: column for field, column in said.items() if column is not None})
    _check_source(file, user_pool, postgres, query, table)
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    directory = DeployedDirectory(target, tools)
    rows = _rows(target, mapped, file=file, user_pool=user_pool, postgres=postgres, query=query, table=table)
    with closing(rows), _Report(as_json=as_json, dry_run=dry_run) as report:
        stopped_by = _run(rows, Rehearsal(directory) if dry_run else directory, report, link=link)
    if any(directory.consumed.units.values()):  # an engine may report nothing, which is not the same as none
        directory.consumed.say()
    if stopped_by is not None:
        output.tell_failure(stopped_by)
        output.say(f"{report.rows:,} rows were settled before that. Run the same command again: nothing is done twice.")
    if stopped_by is not None or report.counts[Status.REFUSED]:
        raise typer.Exit(Code.PARTLY)


def _check_source(
    file: str | None, user_pool: str | None, postgres: str | None, query: str | None, table: str | None
) -> None:
    if [file, user_pool, postgres].count(None) != 2:  # noqa: PLR2004 - all but one
        raise Failure(
            Code.USAGE, "Say where the people come from.", remedy="Give one of --file, --user-pool and --postgres."
        )
    if [query, table].count(None) != (2 if postgres is None else 1):
        raise Failure(
            Code.USAGE, "A database is read by a table or a query.", remedy="Give --postgres with --table or --query."
        )


def _rows(
    target: Target,
    mapped: Mapped,
    *,
    file: str | None,
    user_pool: str | None,
    postgres: str | None,
    query: str | None,
    table: str | None,
) -> Generator[Row]:
    if file is not None:
        return from_file(file, mapped)
    if user_pool is not None:
        return from_user_pool(target.client("cognito-idp"), user_pool, mapped)
    return from_postgres(postgres or "", mapped, table=table, query=query)


def _run(rows: Generator[Row], directory: Directory, report: _Report, *, link: bool) -> Failure | None:
    """Settle the rows; what stopped it before the end, where some were settled by then. Raises it where none was."""
    with claims() as claim:
        try:
            for outcome in synchronise(rows, directory, claim=claim, link=link):
                report.add(outcome)
        except Exception as error:
            failure = failure_of(error)
            if failure is None or not report.rows:
                raise
            return failure
    return None


class _Report:
    """Tells each outcome as it comes, then how many there were: as text, or as lines of JSON."""

    def __init__(self, *, as_json: bool, dry_run: bool) -> None:
        self.counts: dict[Status, int] = dict.fromkeys(Status, 0)
        self._as_json = as_json
        self._dry_run = dry_run
        console = output.progress()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.completed:,} people"),
            console=console,
            transient=True,
            # Lines that go to the same terminal are told above the count; JSON would be folded on that way.
            disable=not console.is_terminal or (as_json and sys.stdout.isatty()),
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._progress.add_task("", total=None)

    @property
    def rows(self) -> int:
        """How many rows are settled."""
        return sum(self.counts.values())

    def __enter__(self) -> Self:
        if self._dry_run:
            output.say("A rehearsal: nothing is written.")
        self._progress.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._progress.stop()
        if kind is not None:
            return
        if self._as_json:
            sys.stdout.write(json.dumps({"summary": {"rows": self.rows, **self.counts}}) + "\n")
        else:
            output.results().print(_table(self.counts))

    def add(self, outcome: Outcome) -> None:
        """Tell an outcome."""
        if self._as_json:
            sys.stdout.write(json.dumps(_result(outcome)) + "\n")
        elif outcome.status is not Status.REFUSED and (self._dry_run or outcome.status is not Status.UNCHANGED):
            sys.stdout.write(output.printable(_line(outcome)) + "\n")
        sys.stdout.flush()
        for problem in outcome.problems:
            line = output.printable(_refusal(outcome, problem))
            self._progress.console.print(Text(line), soft_wrap=True)
        self.counts[outcome.status] += 1
        self._progress.advance(self._task)


def _result(outcome: Outcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if value not in (None, ())}


def _line(outcome: Outcome) -> str:
    what = f": {', '.join(outcome.fields)}" if outcome.status is Status.CHANGED else ""
    return f"row {outcome.row}: {outcome.status} {outcome.handle}{what}"


def _refusal(outcome: Outcome, problem: Problem) -> str:
    who = f"row {outcome.row}" + (f" ({outcome.handle})" if outcome.handle else "")
    return f"{who}: {problem.field or 'the row'}: {problem.code}: {problem.message}"


def _table(counts: dict[Status, int]) -> Table:
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("status")
    table.add_column("people", justify="right")
    for status, count in counts.items():
        table.add_row(Text(status, style="red" if status is Status.REFUSED and count else ""), f"{count:,}")
    table.add_section()
    table.add_row("rows", f"{sum(counts.values()):,}")
    return table
