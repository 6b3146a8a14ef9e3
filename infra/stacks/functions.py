"""The functions, the queue in front of the CDR writer, and what calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.cdr_functions import CdrFunctions
from infra.constructs.layer import DependenciesLayer
from infra.constructs.messaging_functions import MessagingFunctions
from infra.constructs.stack import SwitchboardStack

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.constructs.function import SwitchboardFunction
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack


class FunctionsStack(SwitchboardStack):
    """What the CDR store and the messages store do, on one layer of dependencies."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack, network: NetworkStack) -> None:
        super().__init__(
            scope,
            "functions",
            stage=stage,
            description=f"Switchboard {stage.name}: the functions that services call, their queue and their roles.",
        )
        layer = DependenciesLayer(self)
        self.cdr = CdrFunctions(self, stage=stage, data=data, network=network, layer=layer)
        self.messaging = MessagingFunctions(self, stage=stage, data=data, network=network, layer=layer)

    @property
    def all(self) -> tuple[SwitchboardFunction, ...]:
        """Every function of the stack."""
        cdr, messaging = self.cdr, self.messaging
        return cdr.writer, cdr.query, cdr.guard, messaging.messages, messaging.stream_handler
