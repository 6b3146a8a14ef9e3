"""The functions, the queue in front of the CDR writer, and what calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_lambda import Architecture, LayerVersion, Runtime

from infra.constructs.cdr_functions import CdrFunctions
from infra.constructs.code import layer_code
from infra.constructs.messaging_functions import MessagingFunctions
from infra.constructs.stack import SwitchboardStack

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config import StageConfig
    from infra.stacks.data import DataStack


class FunctionsStack(SwitchboardStack):
    """What the CDR store and the messages store do, on one layer of dependencies."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack) -> None:
        super().__init__(
            scope,
            "functions",
            stage=stage,
            description=f"Switchboard {stage.name}: the functions that services call, their queue and their roles.",
        )
        layer = self._define_layer()
        self.cdr = CdrFunctions(self, stage=stage, data=data, layer=layer)
        self.messaging = MessagingFunctions(self, stage=stage, data=data, layer=layer)

    def _define_layer(self) -> LayerVersion:
        return LayerVersion(
            self,
            "Dependencies",
            description="What the functions import beside the Lambda runtime, locked by hash.",
            code=layer_code(),
            compatible_runtimes=[Runtime.PYTHON_3_14],
            compatible_architectures=[Architecture.ARM_64],
        )
