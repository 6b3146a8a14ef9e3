"""What tells people how a stage is: alarms on every way in which it fails, and one dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.constructs.alarm import Alarms
from infra.constructs.dashboard import Watched, define_dashboard
from infra.constructs.function_alarms import STUCK_PERIODS, FunctionAlarms
from infra.constructs.stack import SwitchboardStack
from infra.constructs.store_alarms import (
    alarm_on_copies,
    alarm_on_failed_invocations,
    alarm_on_queue,
    alarm_on_state_machine,
    alarm_on_table,
)
from infra.constructs.topic import AlarmTopic
from switchboard.schema import cdr, deployment, messages

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.backfill import BackfillStack
    from infra.stacks.data import DataStack
    from infra.stacks.functions import FunctionsStack

FAILED_RECORDS: Final = 100
"""CDRs in five minutes that a caller is told to send again: more than one call that met a busy table."""


class ObservabilityStack(SwitchboardStack):
    """Topic, alarms and dashboard. `topic` is where the alarms of later stacks go, too."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: StageConfig,
        data: DataStack,
        functions: FunctionsStack,
        backfill: BackfillStack,
    ) -> None:
        super().__init__(
            scope,
            "observability",
            stage=stage,
            description=f"Switchboard {stage.name}: alarms on every failure path, their topic, and one dashboard.",
        )
        self._stage = stage
        self.topic = AlarmTopic(self, "Alarms", stage=stage).topic
        self._alarms = Alarms(self, stage, self.topic)
        self._watch_cdrs(data, functions)
        self._watch_messages(data, functions)
        self._watch_backfill(data, backfill)
        alarm_on_failed_invocations(self._alarms, data.failed_invocations, name=deployment.FAILED_INVOCATIONS)
        if data.backup is not None:
            alarm_on_copies(self._alarms, data.backup.vault)
        self._define_dashboard(data, functions, backfill)

    def _watch_cdrs(self, data: DataStack, functions: FunctionsStack) -> None:
        writer = FunctionAlarms(self._alarms, functions.cdr.writer)
        writer.on_failing()
        writer.on_taking_long()
        writer.on_asynchronous_calls()
        writer.on_quarantine()
        writer.on_count(
            deployment.cdr_status_metric("failed"),
            name="failed-records",
            page="cdr-failed",
            says="cdr-writer could not store many records, and told their callers to send them again.",
            reaches=FAILED_RECORDS,
        )
        alarm_on_queue(self._alarms, functions.cdr.ingest, name=deployment.CDR_INGEST)
        query = FunctionAlarms(self._alarms, functions.cdr.query)
        query.on_failing(refused=deployment.METRIC_CDR_QUERY_REFUSED)
        query.on_taking_long()
        guard = FunctionAlarms(self._alarms, functions.cdr.guard)
        guard.on_failing()
        guard.on_taking_long()
        guard.on_stream(functions.cdr.guarding)
        guard.on_quarantine()
        guard.on_count(
            deployment.METRIC_CDR_CHANGED,
            name="cdr-changed",
            page="cdr-changed",
            says="A call data record was changed or removed, which nothing in the system may do.",
        )
        alarm_on_table(self._alarms, data.cdr_table, name="cdr", indexes=(cdr.BY_SPONSOR, cdr.BY_DAY))

    def _watch_messages(self, data: DataStack, functions: FunctionsStack) -> None:
        service = FunctionAlarms(self._alarms, functions.messaging.messages)
        service.on_failing()
        service.on_taking_long()
        for outcome, says in (
            ("internal", "The messages function met a fault of ours and answered `internal`."),
            ("throttled", "The messages function answered `throttled`: its table is busy."),
        ):
            service.on_count(
                deployment.messages_outcome_metric(outcome), name=outcome, page=f"messages-{outcome}", says=says
            )
        handler = FunctionAlarms(self._alarms, functions.messaging.stream_handler)
        handler.on_failing()
        handler.on_taking_long()
        handler.on_stream(functions.messaging.following)
        handler.on_quarantine()
        handler.on_count(
            deployment.METRIC_STREAM_STOPPED,
            name="stopped",
            page="stream-stopped",
            says="stream-handler stops before the end of its batches again and again: lists of groups do not follow.",
            periods=STUCK_PERIODS,
        )
        alarm_on_table(self._alarms, data.messages_table, name="messages", indexes=(messages.INBOX_BY_RECENCY,))

    def _watch_backfill(self, data: DataStack, backfill: BackfillStack) -> None:
        FunctionAlarms(self._alarms, backfill.function).on_failing()
        alarm_on_state_machine(self._alarms, backfill.machine.machine.attr_arn, name=deployment.BACKFILL)
        alarm_on_table(self._alarms, data.runs_table, name="runs", indexes=())

    def _define_dashboard(self, data: DataStack, functions: FunctionsStack, backfill: BackfillStack) -> None:
        cdrs, messaging = functions.cdr, functions.messaging
        define_dashboard(
            self,
            stage=self._stage,
            watched=Watched(
                cdr=cdrs,
                messaging=messaging,
                functions=(*functions.all, backfill.function),
                tables={
                    "cdr": data.cdr_table.table_name,
                    "messages": data.messages_table.table_name,
                    "runs": data.runs_table.table_name,
                },
                state_machine=backfill.machine.machine.attr_arn,
                alarms=self._alarms.made,
            ),
        )
