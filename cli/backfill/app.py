"""The commands of `switchboard backfill`."""

from __future__ import annotations

import typer

from cli.backfill import samples, start, verify

app = typer.Typer(no_args_is_help=True, help="Change many items of a table: once, inside a budget, verified.")
app.command()(start.start)
app.command()(verify.verify)
app.command("sample-data")(samples.sample_data)
