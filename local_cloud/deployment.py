"""From the CDK app to a deployed stage: synthesis, bootstrap, deployment with the CDK CLI."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_cloud import cdk
from local_cloud.errors import DeploymentError, LocalCloudError, SynthesisError
from local_cloud.identity import ACCOUNT, REGION
from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local_cloud.cloud import LocalCloud

    Progress = Callable[["StackEvent"], None]
    """Called with every event of every stack while a deployment runs."""

BOOTSTRAP_VERSION: Final = "28"
"""The version of the bootstrap stack that CDK 2.1148 would install."""
_QUALIFIER: Final = "hnb659fds"
_OUTPUT_TAIL: Final = 60
_EVENT_COLUMNS: Final = 6


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One event of a stack, such as `switchboard-local-data`, `CREATE_COMPLETE`, `AWS::SQS::Queue`, `local/data/Q`."""

    stack: str
    status: str
    resource_type: str
    resource: str

    @classmethod
    def parse(cls, line: str) -> StackEvent | None:
        """Read a line of the CDK CLI's event report; None for its other lines."""
        columns = [column.strip() for column in line.split("|")]
        if len(columns) < _EVENT_COLUMNS or not columns[1].replace("/", "").isdigit():
            return None
        stack, _, _, status, resource_type, resource = columns[:_EVENT_COLUMNS]
        return cls(stack, status, resource_type, resource.split(" (")[0])


def synthesize(out: Path) -> Path:
    """Synthesize every stage of the app into the folder `out` (about ten seconds) and return it.

    The assembly is built beside `out` and moved there when it is whole, so nobody ever reads half of one.

    Raises `NotSetUpError` or `SynthesisError`.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with _home() as environment:
            _run(
                cdk.command("synth", "--quiet", "--output", str(draft)),
                environment,
                failure=SynthesisError("The CDK app did not synthesize. The end of what it said:\n"),
            )
        shutil.rmtree(out, ignore_errors=True)
        draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out


def bootstrap(cloud: LocalCloud) -> None:
    """Give the account what `cdk bootstrap` would: the bucket for assets and the version parameter. Idempotent."""
    cloud.client("s3").create_bucket(Bucket=f"cdk-{_QUALIFIER}-assets-{ACCOUNT}-{REGION}")
    cloud.client("ssm").put_parameter(
        Name=f"/cdk-bootstrap/{_QUALIFIER}/version", Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )


def deploy(cloud: LocalCloud, assembly: Path, *, stacks: str, progress: Progress | None) -> None:
    """Deploy `stacks` of `assembly` with the CDK CLI. Raises `NotSetUpError` or `DeploymentError`."""
    words = cdk.command("deploy", stacks, "--app", str(assembly), "--method=direct", "--concurrency", "6")
    words += ["--require-approval", "never", "--progress", "events"]
    with _home() as environment:
        _run(
            words,
            {**environment, **cloud.environment()},
            progress=progress,
            failure=DeploymentError("The deployment to the local cloud failed. The end of what the CDK CLI said:\n"),
        )


@contextmanager
def _home() -> Iterator[dict[str, str]]:
    # The CDK CLI keeps caches below the home folder and would read a person's AWS profiles there.
    with tempfile.TemporaryDirectory(prefix="switchboard-cdk-") as home:
        environment = cdk.environment()
        environment |= {"HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "NO_COLOR": "1"}
        yield environment


def _run(
    words: list[str], environment: Mapping[str, str], *, failure: LocalCloudError, progress: Progress | None = None
) -> None:
    tail: deque[str] = deque(maxlen=_OUTPUT_TAIL)
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,
    ) as process:
        try:
            for line in process.stdout or ():
                tail.append(line)
                event = StackEvent.parse(line)
                if progress is not None and event is not None:
                    progress(event)
        finally:
            # Node starts processes of its own; whatever ends this call, none of them stays behind.
            status = process.wait() if sys.exc_info()[0] is None else None
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if status != 0:
        raise type(failure)(f"{failure}{''.join(tail)}")
