"""Wiring: from the app's context to stages and their stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import App, Environment, Stage, Tags

from infra.config import DEV, LOCAL, prod
from infra.inputs import organisation, prod_inputs
from infra.stacks.access import AccessStack
from infra.stacks.backfill import BackfillStack
from infra.stacks.data import DataStack
from infra.stacks.functions import FunctionsStack
from infra.stacks.guardrails import GuardrailsStack
from infra.stacks.network import NetworkStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.organisation import PolicyStack
from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.config_types import Organisation, StageConfig


def new_app(context: Mapping[str, object] | None = None, outdir: str | None = None) -> App:
    """Make an empty app. The CDK CLI hands over `context` and `outdir` by itself; a test states them."""
    return App(context=context, outdir=outdir)


def build(app: App) -> tuple[Stage, ...]:
    """Every stage with its stacks, as `cdk ls` lists them.

    Raises `ValueError` for a part of prod's inputs, or of the organisation's.
    """
    given = app.node.try_get_context
    return (
        *(build_stage(app, stage) for stage in (LOCAL, DEV, prod(prod_inputs(given)))),
        _build_organisation(app, organisation(given)),
    )


def build_stage(app: App, stage: StageConfig) -> Stage:
    """One stage with its stacks."""
    place = Environment(account=stage.place.account, region=stage.place.region) if stage.place else None
    scope = Stage(app, stage.name, env=place)
    Tags.of(scope).add("application", APP)
    Tags.of(scope).add("stage", stage.name)
    data = DataStack(scope, stage=stage)
    network = NetworkStack(scope, stage=stage, data=data)
    functions = FunctionsStack(scope, stage=stage, data=data, network=network)
    backfill = BackfillStack(scope, stage=stage, data=data, network=network, after=functions)
    access = AccessStack(scope, stage=stage, data=data, functions=functions, backfill=backfill)
    observability = ObservabilityStack(scope, stage=stage, data=data, functions=functions, backfill=backfill)
    observability.add_stack_dependency(access)
    if stage.trail is not None or stage.config_recorder is not None:
        GuardrailsStack(
            scope,
            stage=stage,
            data=data,
            functions=functions,
            backfill=backfill,
            access=access,
            topic=observability.topic,
        )
    return scope


def _build_organisation(app: App, given: Organisation) -> Stage:
    scope = Stage(app, given.name)
    Tags.of(scope).add("application", APP)
    PolicyStack(scope, organisation=given)
    return scope
