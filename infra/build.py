"""Wiring: from the app's context to stages and their stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import App, Environment, Stage, Tags

from infra.config import Organisation, StageConfig, organisation, stages
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

PROD_ACCOUNT: Final = "prod-account"
PROD_REGION: Final = "prod-region"
PROD_CI_SUBJECT: Final = "prod-ci-subject"
"""Context keys of prod's inputs: `cdk deploy 'prod/*' -c prod-account=… -c prod-region=… -c prod-ci-subject=…`."""

ORGANISATION_TARGETS: Final = "organisation-targets"
ORGANISATION_REGIONS: Final = "organisation-regions"
"""Context keys of the organisation's inputs, each a list separated by commas."""


def new_app(context: Mapping[str, object] | None = None, outdir: str | None = None) -> App:
    """Make an empty app. The CDK CLI hands over `context` and `outdir` by itself; a test states them."""
    return App(context=context, outdir=outdir)


def build(app: App) -> tuple[Stage, ...]:
    """Every stage with its stacks, as `cdk ls` lists them.

    Raises `ValueError` for a part of prod's inputs, or of the organisation's.
    """
    account, region, subject = (app.node.try_get_context(key) for key in (PROD_ACCOUNT, PROD_REGION, PROD_CI_SUBJECT))
    given = stages(prod_account=account, prod_region=region, prod_ci_subject=subject)
    targets, regions = (app.node.try_get_context(key) for key in (ORGANISATION_TARGETS, ORGANISATION_REGIONS))
    return (
        *(build_stage(app, stage) for stage in given),
        _build_organisation(app, organisation(targets=targets, regions=regions)),
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
