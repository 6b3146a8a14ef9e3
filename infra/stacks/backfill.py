"""The backfill: its state machine and the function behind each of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.backfill_function import BackfillFunction
from infra.constructs.layer import DependenciesLayer
from infra.constructs.published import Published
from infra.constructs.stack import SwitchboardStack
from infra.constructs.state_machine import BackfillMachine
from switchboard.schema import deployment

if TYPE_CHECKING:
    from aws_cdk import Stack
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack


class BackfillStack(SwitchboardStack):
    """The state machine `backfill`, which operators start, and its function."""

    def __init__(
        self, scope: Construct, *, stage: StageConfig, data: DataStack, network: NetworkStack, after: Stack
    ) -> None:
        """`after` is the stack that is deployed before it."""
        super().__init__(
            scope,
            "backfill",
            stage=stage,
            description=f"Switchboard {stage.name}: changes of stored items, planned, paced, verified and reported.",
        )
        self.add_stack_dependency(after)
        self.function = BackfillFunction(
            self, stage=stage, data=data, network=network, layer=DependenciesLayer(self)
        ).step
        self.machine = BackfillMachine(self, "Machine", stage=stage, data=data, function=self.function)
        Published(
            self,
            stage=stage,
            path=deployment.STATE_MACHINE_PATH,
            value=self.machine.machine.attr_arn,
            description="ARN of the state machine that runs backfills.",
        )
