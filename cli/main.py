"""The `switchboard` command: its groups, and how every one of them ends."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from cli import cdr, doctor, local, messages, output, quarantine, reconcile, scan, schema, seed, users
from cli.backfill import app as backfill
from cli.errors import MEANINGS, failure_of
from cli.output import tell_failure
from cli.review.command import command as review

ORDER: Final = (
    *("local", "cdr", "messages", "users", "backfill", "quarantine"),
    *("reconcile", "scan", "schema", "seed", "doctor", "review"),
)
"""As a person meets them: first a system to try, then what it holds, then what keeps it well."""


class Commands(TyperGroup):
    """Ends every command with its exit code; only a fault of ours shows a traceback."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in their order."""
        return sorted(super().list_commands(ctx), key=ORDER.index)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            tell_failure(failure)
            raise typer.Exit(failure.code) from error


app = typer.Typer(
    cls=Commands,
    name="switchboard",
    help="Call data records, messages and backfills: the system from the command line.",
    epilog="Exit codes:\n\n\b\n" + "\n".join(f"{code}  {meaning}" for code, meaning in MEANINGS.items()),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(cdr.app, name="cdr")
app.add_typer(messages.app, name="messages")
app.add_typer(users.app, name="users")
app.command(short_help="Correct everybody's list of groups from the messages.")(reconcile.reconcile)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(backfill.app, name="backfill")
app.add_typer(schema.app, name="schema")
app.command()(seed.seed)
app.command()(scan.scan)
app.command(short_help="Look whether everything is as it should be.")(doctor.doctor)
app.command("review", short_help="Review the templates, and what a change does.")(review)
app.add_typer(local.app, name="local")


def _version(*, wanted: bool) -> None:
    if wanted:
        output.results().print(metadata.version("switchboard"), highlight=False)
        raise typer.Exit


@app.callback()
def _begin(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version.", callback=lambda value: _version(wanted=value), is_eager=True
        ),
    ] = False,
) -> None:
    """What stands before any command."""


def main() -> None:
    """Run the command."""
    app()
