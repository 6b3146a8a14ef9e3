"""`switchboard local`: the cloud on this machine, left running until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import output
from cli.errors import Code, Failure
from local_cloud import deployment, standing
from local_cloud.cloud import LocalCloud
from local_cloud.paths import ASSEMBLY, ENV_FILE, ROOT

app = typer.Typer(no_args_is_help=True, help="The whole system on this machine.")

_FINISHED = "_COMPLETE"


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=1, max=65_535, help="Its port; without it, a free one.")
    ] = None,
) -> None:
    """Start the local cloud, deploy the system to it and leave it running. Where one runs already, say so."""
    cloud = LocalCloud.running()
    if cloud is None:
        console = output.progress()
        with console.status("Synthesizing the CDK app (about ten seconds)"):
            assembly = deployment.synthesize(ASSEMBLY)
        with console.status("Starting the local cloud and deploying to it") as status:
            cloud, is_new = standing.up(port, assembly=assembly, progress=lambda event: status.update(_told(event)))
    else:
        cloud, is_new = standing.up(port)
    output.results().print(f"The local cloud {'runs' if is_new else 'was running already'} at {cloud.endpoint_url}.")
    output.results().print(f"In your shell: . {ENV_FILE.relative_to(ROOT)}")


@app.command()
def down() -> None:
    """Stop the local cloud and remove what it kept. Where none runs, say so."""
    stopped = standing.down()
    output.results().print("The local cloud was stopped." if stopped else "No local cloud was running.")


@app.command()
def status() -> None:
    """Show whether a local cloud runs, and where. Ends with 4 where none does."""
    cloud = LocalCloud.running()
    if cloud is None:
        raise Failure(Code.NOT_FOUND, "No local cloud is running.", remedy="Start one: switchboard local up")
    output.results().print(f"The local cloud runs at {cloud.endpoint_url}.")
    output.results().print(f"In your shell: . {ENV_FILE.relative_to(ROOT)}")


def _told(event: deployment.StackEvent) -> str:
    done = "done" if event.status.endswith(_FINISHED) else "in progress"
    return f"{event.stack}: {event.resource_type} {done}"
