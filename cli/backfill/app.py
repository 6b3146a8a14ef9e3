"""The commands of `switchboard backfill`."""

from __future__ import annotations

import typer

from cli.backfill import plan, runs, samples, start, undo, verify

app = typer.Typer(no_args_is_help=True, help="Change many items of a table: once, inside a budget, verified.")
app.command()(plan.plan)
app.command()(start.start)
app.command()(runs.status)
app.command()(runs.pause)
app.command()(runs.resume)
app.command()(runs.rate)
app.command()(verify.verify)
app.command()(runs.replay)
app.command()(undo.undo)
app.command("sample-data")(samples.sample_data)
