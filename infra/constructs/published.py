"""What callers need to know of a stage, published twice: as a stack output and as an SSM parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput
from aws_cdk.aws_ssm import StringParameter
from constructs import Construct

from switchboard.schema.deployment import output_name, parameter_name

if TYPE_CHECKING:
    from infra.config_types import StageConfig


class Published(Construct):
    """The ARN, name or URL of one resource, under the names that `switchboard.schema.deployment` spells."""

    def __init__(self, scope: Construct, *, stage: StageConfig, path: str, value: str, description: str) -> None:
        name = output_name(path)
        super().__init__(scope, f"Published{name}")
        StringParameter(
            self,
            "Parameter",
            parameter_name=parameter_name(stage.name, path),
            string_value=value,
            description=description,
        )
        CfnOutput(self, "Output", value=value, description=description).override_logical_id(name)
