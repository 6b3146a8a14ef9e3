"""What the functions import beside the Lambda runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_lambda import Architecture, LayerVersion, Runtime

from infra.constructs.code import layer_code

if TYPE_CHECKING:
    from constructs import Construct


class DependenciesLayer(LayerVersion):
    """The locked dependencies, once for each stack with functions.

    Stacks do not share one: a new lock makes a new version, and CloudFormation changes no exported value that another
    stack imports.
    """

    def __init__(self, scope: Construct) -> None:
        super().__init__(
            scope,
            "Dependencies",
            description="What the functions import beside the Lambda runtime, locked by hash.",
            code=layer_code(),
            compatible_runtimes=[Runtime.PYTHON_3_14],
            compatible_architectures=[Architecture.ARM_64],
        )
