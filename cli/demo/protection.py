"""The part of the demo about keeping what is stored: what IAM refuses, and what is noticed all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.demo.callers import function_role, service_role
from cli.demo.cdr import SPONSORSHIP, quarantined
from cli.demo.waiting import wait_for
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from cli.demo.walk import Walk
    from local_cloud.stage import DeployedStage


def walk(stage: DeployedStage, tour: Walk) -> None:
    """Show attempts to change a stored record."""
    no_overwriting(stage, tour)
    behind_its_back(stage, tour)


def no_overwriting(stage: DeployedStage, tour: Walk) -> None:
    """What IAM refuses to the service and to the writer's own code."""
    table = stage.parameters[deployment.CDR_TABLE_PATH]
    key = {cdr.PK: {"S": cdr.partition_key(SPONSORSHIP)}, cdr.SK: {"S": cdr.create_key()}}
    with tour.step(
        "An attempt to overwrite", "Append-only by IAM: even the writer's own role can only create."
    ) as step:
        refused = 0
        for name, caller in (
            (deployment.QM_SERVICE, service_role(stage, deployment.QM_SERVICE)),
            ("the writer's own role", function_role(stage, deployment.CDR_WRITER_PATH)),
        ):
            dynamodb = caller.client("dynamodb")
            attempts = {
                "PutItem": lambda client=dynamodb: client.put_item(TableName=table, Item=key),
                "UpdateItem": lambda client=dynamodb: client.update_item(TableName=table, Key=key),
                "DeleteItem": lambda client=dynamodb: client.delete_item(TableName=table, Key=key),
            }
            for action, attempt in attempts.items():
                step.check(f"{name}: {action} refused", is_refused(attempt))
                refused += 1
        step.prove(f"{refused} of {refused} attempts refused by IAM")


def is_refused(attempt: Any) -> bool:
    """Whether IAM refuses a call."""
    try:
        attempt()
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDeniedException")
    return False


def behind_its_back(stage: DeployedStage, tour: Walk) -> None:
    """Someone with an administrator's power changes a record."""
    with tour.step("A change behind its back", "The account's root may do what no role may. It is noticed.") as step:
        stage.client("dynamodb").update_item(
            TableName=stage.parameters[deployment.CDR_TABLE_PATH],
            Key={cdr.PK: {"S": cdr.partition_key(SPONSORSHIP)}, cdr.SK: {"S": cdr.create_key()}},
            UpdateExpression="SET sponsor_id = :forged",
            ExpressionAttributeValues={":forged": {"S": "s-13"}},
        )
        step.check(f"the alarm metric {deployment.METRIC_CDR_CHANGED} is raised", wait_for(lambda: alarmed(stage)))
        kept = wait_for(lambda: any("create" in str(one) for one in quarantined(stage, deployment.CDR_GUARD)))
        step.check("the record as it was is kept in the quarantine", kept)
        step.prove("alarm raised, old image kept")


def alarmed(stage: DeployedStage) -> bool:
    """Whether the guard has written the metric into its log, from which CloudWatch makes it."""
    log = f"/aws/lambda/{deployment.function_name(stage.name, deployment.CDR_GUARD)}"
    events = stage.client("logs").filter_log_events(logGroupName=log)["events"]
    return any(f'"{deployment.METRIC_CDR_CHANGED}"' in event["message"] for event in events)
