"""`switchboard local`: the cloud on this machine, left running until it is told to stop."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from cli import output
from cli.errors import Code, Failure
from local_cloud import deployment, standing
from local_cloud.cloud import LocalCloud
from local_cloud.paths import ASSEMBLY, ENV_FILE, ROOT

app = typer.Typer(no_args_is_help=True, help="The whole system on this machine.")

_FINISHED = "_COMPLETE"

Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=1, max=65_535, help="Its port; without it, a free one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the local cloud, deploy the system to it and leave it running. Where one runs already, say so."""
    cloud = _running()
    if cloud is None:
        console = output.progress()
        with console.status("Synthesizing the CDK app (about ten seconds)"):
            assembly = deployment.synthesize(ASSEMBLY)
        with console.status("Starting the local cloud and deploying to it") as status:
            cloud, is_new = standing.up(port, assembly=assembly, progress=lambda event: status.update(_told(event)))
    else:
        cloud, is_new = standing.up(port)
    if as_json:
        _print({**_facts(cloud), "is_new": is_new})
        return
    output.result(f"The local cloud {'runs' if is_new else 'was running already'} at {cloud.endpoint_url}.")
    output.result(f"In your shell: . {ENV_FILE.relative_to(ROOT)}")
    if port is not None and port != cloud.port:
        output.say("It keeps its port; for another one: switchboard local down, then up again.")


@app.command()
def down(as_json: Json = False) -> None:
    """Stop the local cloud and remove what it kept. Where none runs, say so."""
    stopped = standing.down()
    if as_json:
        _print({"stopped": stopped})
        return
    output.result("The local cloud was stopped." if stopped else "No local cloud was running.")


@app.command()
def status(as_json: Json = False) -> None:
    """Show whether a local cloud runs, and where. Ends with 4 where none does."""
    cloud = _running()
    if cloud is None:
        raise Failure(Code.NOT_FOUND, "No local cloud is running.", remedy="Start one: switchboard local up")
    if as_json:
        _print(_facts(cloud))
        return
    output.result(f"The local cloud runs at {cloud.endpoint_url}.")
    output.result(f"In your shell: . {ENV_FILE.relative_to(ROOT)}")


def _running() -> LocalCloud | None:
    with output.waiting("Asking the local cloud"):
        return LocalCloud.running()


def _facts(cloud: LocalCloud) -> dict[str, Any]:
    return {"endpoint_url": cloud.endpoint_url, "port": cloud.port, "env_file": str(ENV_FILE)}


def _print(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


def _told(event: deployment.StackEvent) -> str:
    done = "done" if event.status.endswith(_FINISHED) else "in progress"
    return f"{event.stack}: {event.resource_type} {done}"
