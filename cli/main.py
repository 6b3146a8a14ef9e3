"""The `switchboard` command: its groups, and how every one of them ends."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from cli import cdr, doctor, local, messages, quarantine, reconcile, scan, schema, seed, users
from cli.backfill import app as backfill
from cli.errors import MEANINGS, failure_of
from cli.output import tell_failure
from cli.review.command import command as review


class Commands(TyperGroup):
    """Ends every command with its exit code; only a fault of ours shows a traceback."""

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
app.command()(reconcile.reconcile)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(backfill.app, name="backfill")
app.add_typer(schema.app, name="schema")
app.command()(seed.seed)
app.command()(scan.scan)
app.command()(doctor.doctor)
app.command("review")(review)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command."""
    app()
