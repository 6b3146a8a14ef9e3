"""What a stage should be like, wherever it was deployed: what it published, its tables, and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from cli.doctor_findings import Finding, amiss, well
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.session import Target

PUBLISHED: Final = (
    deployment.CDR_TABLE_PATH,
    deployment.CDR_WRITER_PATH,
    deployment.CDR_QUERY_PATH,
    deployment.CDR_QUEUE_PATH,
    deployment.MESSAGES_TABLE_PATH,
    deployment.MESSAGES_FUNCTION_PATH,
    deployment.STREAM_HANDLER_PATH,
    deployment.QUARANTINE_PATH,
    deployment.STATE_MACHINE_PATH,
    deployment.RUNS_TABLE_PATH,
    deployment.REPORTS_PATH,
    *(
        deployment.role_path(role)
        for role in (
            deployment.QM_SERVICE,
            deployment.CDR_READER,
            deployment.MESSAGING_SERVICE,
            deployment.DATA_OPERATOR,
            deployment.BACKFILL_OPERATOR,
        )
    ),
)
"""What every stage publishes. The deployer's role is published where a pipeline deploys."""

BOOTSTRAP: Final = "/cdk-bootstrap/hnb659fds/version"
"""Where the CDK's bootstrap stack says which version of it the account has."""
UNRESERVED: Final = 100
"""Concurrent executions that Lambda keeps for functions without any of their own (Lambda Developer Guide)."""


def identity(target: Target) -> Iterable[Finding]:
    """Who asks: a session of a role, or somebody with a name of his own."""
    arn = str(target.client("sts").get_caller_identity()["Arn"])
    kind = arn.rpartition(":")[2].partition("/")[0]
    if kind == "assumed-role" or target.stage == deployment.LOCAL_STAGE:
        return [well("identity", f"You are {arn.rpartition(':')[2]}.")]
    whose = {"user": "an IAM user", "root": "the account's root", "federated-user": "a federated user"}
    return [
        amiss(
            "identity",
            f"You are {whose.get(kind, 'no session of a role')}, not a session of a role.",
            "Sign in with `aws sso login`, or give --profile of a role.",
        )
    ]


def published(target: Target) -> Iterable[Finding]:
    """Whether callers find everything."""
    missing = [path for path in PUBLISHED if target.published(path) is None]
    if not missing:
        return [well("parameters", f"All {len(PUBLISHED)} are published.")]
    names = ", ".join(deployment.parameter_name(target.stage, path) for path in missing)
    return [amiss("parameters", f"Not published: {names}.", f"Is stage {target.stage} deployed? Deploy it again.")]


def tables(target: Target) -> Iterator[Finding]:
    """Whether each table works, can be recovered, refuses keys, and is protected where the stage keeps data."""
    for short, path in deployment.TABLE_PATHS.items():
        name = target.published(path)
        if name is not None:
            yield from _table(target, f"table {short}", name)


def _table(target: Target, about: str, name: str) -> Iterator[Finding]:
    client = target.client("dynamodb")
    table = client.describe_table(TableName=name)["Table"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    holds = {
        "is active": table["TableStatus"] == "ACTIVE",
        "can be recovered to any second of the last 35 days": recovery == "ENABLED",
        "refuses items to keys of people": _has_policy(client, table["TableArn"]),
    }
    if target.stage in deployment.RETAINING_STAGES:
        holds["is protected from deletion"] = bool(table.get("DeletionProtectionEnabled"))
    for claim in [claim for claim, true in holds.items() if not true]:
        yield amiss(about, f"It is not so that it {claim}.", f"Deploy stage {target.stage} again; ask who changed it.")
    if all(holds.values()):
        yield well(about, f"It {', '.join(holds)}.")


def _has_policy(client: object, arn: str) -> bool:
    try:
        policy = client.get_resource_policy(ResourceArn=arn)["Policy"]  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PolicyNotFoundException":
            return False
        raise
    return "aws:PrincipalType" in policy


def bootstrap(target: Target) -> Iterable[Finding]:
    """Whether the account was made ready for deployments."""
    try:
        version = target.client("ssm").get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return [amiss("bootstrap", "The account has no bootstrap stack of the CDK here.", "Run: cdk bootstrap")]
    return [well("bootstrap", f"The bootstrap stack has version {version}.")]


def concurrency(target: Target) -> Iterable[Finding]:
    """Whether the account leaves executions to functions that have none set aside."""
    limits = target.client("lambda").get_account_settings()["AccountLimit"]
    free = limits["UnreservedConcurrentExecutions"]
    if free >= UNRESERVED:
        return [well("concurrency", f"{free} concurrent executions are set aside for no function.")]
    return [
        amiss(
            "concurrency",
            f"Only {free} concurrent executions are left; a new account begins with very few.",
            "Ask AWS for more: Service Quotas, Lambda, Concurrent executions.",
        )
    ]
