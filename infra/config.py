"""The stages, and the one decision for each in which they differ."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_cdk.aws_logs import RetentionDays

from infra.config_types import (
    CDR_UNITS,
    MESSAGES_UNITS,
    RUNS_UNITS,
    Ci,
    Compute,
    Create,
    DataEvents,
    Existing,
    OnDemand,
    Provisioned,
    StageConfig,
    Units,
)
from infra.inputs import PLACEHOLDER_SUBJECT
from switchboard.schema import cdr, deployment, messages

if TYPE_CHECKING:
    from infra.inputs import ProdInputs

PLATFORM_TEAM: Final = "SwitchboardPlatform"
"""The platform team's permission set, unless a stage names another one."""

LOCAL: Final = StageConfig(
    name="local",
    place=None,
    retain_data=False,
    billing=OnDemand(),
    customer_managed_key=True,
    backup_plan=False,
    cdr_retention_days=3_650,
    log_retention=RetentionDays.ONE_DAY,
    log_bucket=Create(),
    network=Create(),
    bind_to_network=False,
    copies_in=None,
    reserved_concurrency=MappingProxyType({}),
    ci=Ci(PLACEHOLDER_SUBJECT, Create()),
    qm_runs_on=Compute.EC2,
    reporting_runs_on=Compute.ECS,
    messaging_runs_on=Compute.ECS,
    operators=PLATFORM_TEAM,
    trail=Create(),
    data_events=DataEvents.OF_OTHERS,
    config_recorder=Existing("default"),
    alarm_email=None,
    runbook_url=None,
    trust_account_root=True,
    example_data=True,
    backfill_targets=MappingProxyType({}),
    legacy_tables=(deployment.LOCAL_LEGACY_TABLE,),
    make_legacy_tables=True,
)
"""The embedded cloud of a laptop or a test run."""

DEV: Final = StageConfig(
    name="dev",
    place=None,
    retain_data=False,
    billing=Provisioned(
        MappingProxyType(
            {
                CDR_UNITS: Units(write=4, read=4),
                cdr.BY_SPONSOR: Units(write=4, read=3),
                cdr.BY_DAY: Units(write=4, read=3),
                MESSAGES_UNITS: Units(write=5, read=6),
                messages.INBOX_BY_RECENCY: Units(write=6, read=5),
                RUNS_UNITS: Units(write=2, read=4),
            }
        )
    ),
    customer_managed_key=False,
    backup_plan=False,
    cdr_retention_days=None,
    log_retention=RetentionDays.ONE_WEEK,
    log_bucket=Create(),
    network=Create(),
    bind_to_network=True,
    copies_in=None,
    reserved_concurrency=MappingProxyType({}),
    ci=None,
    qm_runs_on=Compute.EC2,
    reporting_runs_on=Compute.ECS,
    messaging_runs_on=Compute.ECS,
    operators=PLATFORM_TEAM,
    trail=None,
    data_events=DataEvents.OF_OTHERS,
    config_recorder=None,
    alarm_email=None,
    runbook_url=None,
    trust_account_root=False,
    example_data=True,
    backfill_targets=MappingProxyType({}),
    legacy_tables=(),
    make_legacy_tables=False,
)
"""Disposable, in any account, without any input; its tables use exactly DynamoDB's free tier of 25 units each way."""


def prod(given: ProdInputs) -> StageConfig:
    """The stage with other people's data in it, deployed by the pipeline whose tokens name its subject."""
    return StageConfig(
        name="prod",
        place=given.place,
        retain_data=True,
        billing=OnDemand(),
        customer_managed_key=True,
        backup_plan=True,
        cdr_retention_days=None,
        log_retention=RetentionDays.ONE_YEAR,
        log_bucket=Existing(f"access-logs-{given.place.account}-{given.place.region}"),
        network=given.network,
        bind_to_network=True,
        copies_in=given.copies_in,
        reserved_concurrency=MappingProxyType(dict.fromkeys(deployment.FUNCTIONS, given.reserved_concurrency)),
        ci=Ci(given.ci_subject, Create()),
        qm_runs_on=Compute.EC2,
        reporting_runs_on=Compute.ECS,
        messaging_runs_on=Compute.ECS,
        operators=PLATFORM_TEAM,
        trail=Create(),
        data_events=DataEvents.OF_OTHERS,
        config_recorder=Existing("default"),
        alarm_email=None,
        runbook_url=None,
        trust_account_root=False,
        example_data=False,
        backfill_targets=MappingProxyType({}),
        legacy_tables=(),
        make_legacy_tables=False,
    )
