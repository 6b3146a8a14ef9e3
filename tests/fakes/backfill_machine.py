"""The backfill's state machine in memory: the same steps in the same order, what dies is called again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from switchboard.backfill.kinds import Names, Tools
from switchboard.backfill.ledger import Ledger
from switchboard.backfill.steps import Steps
from switchboard.backfill.waiting import Waiting
from switchboard.schema import runs
from tests.fakes.backfill_cloud import BUCKET, RUNS
from tests.fakes.backfill_table import TABLE, Clock
from tests.fakes.mishaps import Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from switchboard.backfill.engine import Checkpoint
    from tests.fakes.backfill_cloud import BackfillCloud

START = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
INVOCATION_SECONDS = 900.0


@dataclass(frozen=True)
class Ended:
    """How an execution ended: with an output, or with error and cause."""

    output: dict[str, Any] | None
    error: str | None = None
    cause: Any = None


@dataclass
class Machine:
    """Executions over one cloud; `order` arranges the segments of a map, `between` is told before each step."""

    cloud: BackfillCloud
    clock: Clock = field(default_factory=Clock)
    invocation_seconds: float = INVOCATION_SECONDS
    order: Callable[[list[int]], list[int]] = list
    between: Callable[[dict[str, Any]], None] = lambda _request: None
    counted: list[tuple[Checkpoint, Checkpoint]] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.now)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self._client, RUNS, waiting=self._waiting, now=self.now)

    @property
    def _client(self) -> Any:
        return self.cloud

    @property
    def _waiting(self) -> Waiting:
        return Waiting(clock=self.clock, sleep=self.clock.sleep, jitter=lambda: 0.5)

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """One invocation of the function."""
        end = self.clock.now + self.invocation_seconds
        client: Any = self.cloud
        bucket: Any = self.cloud.bucket
        names = Names(runs_table=RUNS, reports_bucket=BUCKET, targets={TABLE: TABLE})
        tools = Tools(dynamodb=client, runs=self.ledger, s3=bucket, names=names, waiting=self._waiting, now=self.now)
        steps = Steps(
            ledger=self.ledger,
            tools=tools,
            remaining_seconds=lambda: end - self.clock.now,
            settled=lambda before, after: self.counted.append((before, after)),
        )
        answer: dict[str, Any] = json.loads(json.dumps(steps.answer(json.loads(json.dumps(request)))))
        return answer

    def start(self, name: str, fields: dict[str, Any]) -> Ended:
        """Run an execution to its end."""
        execution = f"arn:{name}"
        run_id = name
        try:
            state = self._task({runs.STEP: runs.PLAN, "run_id": name, "execution": execution, "input": fields})
            run_id = state["run_id"]
            if state["planned"]:
                return Ended(state["planned"])
            while state.get("next") != runs.REPORT:
                for segment in self.order(state["segments"]):
                    while self._task({runs.STEP: runs.SEGMENT, **place(state), "segment": segment})["more"]:
                        pass
                state = self._task({runs.STEP: runs.VERIFY, **place(state)})
            return Ended(self._task({runs.STEP: runs.REPORT, "run_id": run_id, "fence": state["fence"]}))
        except Exception as error:  # noqa: BLE001 - States.ALL
            failure = {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}
            told = self._task({runs.STEP: runs.EXPLAIN, "run_id": run_id, "execution": execution, "failure": failure})
            return Ended(None, told["error"], json.loads(told["cause"]))

    def _task(self, request: dict[str, Any]) -> dict[str, Any]:
        self.between(request)
        while True:
            try:
                return self.call(request)
            except (Killed, ClientError):
                continue


def place(state: dict[str, Any]) -> dict[str, Any]:
    """What the requests of a phase have in common."""
    return {name: state[name] for name in ("run_id", "fence", "phase", "pass")}
