"""Deploy the system to a cloud of its own on this machine, walk through it, and stop it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from cli.demo import backfill, cdr, conversation, protection
from cli.demo.walk import NotShownError, Walk
from local_cloud.cloud import LocalCloud
from local_cloud.deployment import StackEvent, synthesize
from local_cloud.errors import LocalCloudError
from local_cloud.stage import DeployedStage


def deployed(cloud: LocalCloud, assembly: Path, console: Console, walk: Walk) -> None:
    """Synthesize the app and deploy stage `local`, showing that it goes on."""
    with walk.step("Deployment", "The real CDK command deploys the real templates to an emulator of AWS.") as step:
        with console.status("synthesizing every stage (about ten seconds)"):
            synthesize(assembly)
        done: set[tuple[str, str]] = set()
        with console.status("deploying stage local") as status:

            def progress(event: StackEvent) -> None:
                if event.status.endswith("_COMPLETE"):
                    done.add((event.stack, event.resource))
                    status.update(f"deploying stage local: {len(done)} resources")

            cloud.deploy(assembly, progress=progress)
        stacks = {stack for stack, _ in done}
        step.check(f"{len(done)} resources in {len(stacks)} stacks at {cloud.endpoint_url}, IAM enforced", bool(done))
        step.prove(f"{len(done)} resources, {len(stacks)} stacks")


def walk_through(stage: DeployedStage, walk: Walk) -> None:
    """Every capability of a deployed stage, one after another."""
    cdr.walk(stage, walk)
    protection.walk(stage, walk)
    conversation.walk(stage, walk)
    backfill.walk(stage, walk)


def main() -> int:
    """Run the demo. Exit codes: 0 everything was shown, 1 something was not."""
    console = Console(highlight=False)
    console.print(
        "[bold]Switchboard[/]: a CDR store, direct messages and backfills, on a cloud of this machine. "
        "No AWS account is touched."
    )
    walk = Walk(console)
    try:
        with tempfile.TemporaryDirectory(prefix="switchboard-demo-") as scratch, LocalCloud.start() as cloud:
            deployed(cloud, Path(scratch) / "cdk.out", console, walk)
            walk_through(DeployedStage(cloud), walk)
    except NotShownError as claim:
        console.print(f"\n[bold red]Not shown:[/] {claim}")
        return 1
    except LocalCloudError as error:
        console.print(f"\n[bold red]{type(error).__name__}:[/] {error}")
        return 1
    walk.close()
    console.print(
        "The local cloud is stopped and removed. Keep one with `make local-up`; see README.md for what is next."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
