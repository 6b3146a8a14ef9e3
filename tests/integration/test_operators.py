"""The role of operators on data: nothing but what their commands call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from switchboard.messages import keys
from switchboard.schema import deployment
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

ANY_KEY = keys.profile_key("x").attributes()

REFUSED_TO_OPERATORS: dict[str, Callable[[DeployedStage], object]] = {
    "PutItem on CDRs": lambda stage: operator(stage, "dynamodb").put_item(
        TableName=stage.parameter(deployment.CDR_TABLE_PATH), Item=ANY_KEY
    ),
    "GetItem of CDRs": lambda stage: operator(stage, "dynamodb").get_item(
        TableName=stage.parameter(deployment.CDR_TABLE_PATH), Key=ANY_KEY
    ),
    "UpdateItem of runs": lambda stage: operator(stage, "dynamodb").update_item(
        TableName=stage.parameter(deployment.RUNS_TABLE_PATH), Key=ANY_KEY
    ),
    "UpdateItem of a message": lambda stage: operator(stage, "dynamodb").update_item(
        TableName=stage.parameter(deployment.MESSAGES_TABLE_PATH),
        Key=keys.Key(schema.messages_key("x"), "x").attributes(),
        UpdateExpression=f"SET {schema.LAST_MESSAGE} = :text",
        ExpressionAttributeValues={":text": {"S": "x"}},
    ),
    "UpdateItem of a name": lambda stage: operator(stage, "dynamodb").update_item(
        TableName=stage.parameter(deployment.MESSAGES_TABLE_PATH),
        Key=keys.membership_key("x", "x").attributes(),
        UpdateExpression=f"SET {schema.OTHER_DISPLAY_NAME} = :text",
        ExpressionAttributeValues={":text": {"S": "x"}},
    ),
    "DeleteItem of messages": lambda stage: operator(stage, "dynamodb").delete_item(
        TableName=stage.parameter(deployment.MESSAGES_TABLE_PATH), Key=ANY_KEY
    ),
    "PartiQLInsert of CDRs": lambda stage: operator(stage, "dynamodb").execute_statement(
        Statement=f"INSERT INTO \"{stage.parameter(deployment.CDR_TABLE_PATH)}\" VALUE {{'pk': 'x', 'sk': 'x'}}"
    ),
    "PutObject in the quarantine": lambda stage: operator(stage, "s3").put_object(
        Bucket=stage.parameter(deployment.QUARANTINE_PATH), Key="cdr-writer/x.json", Body=b"{}"
    ),
    "ListBucket of reports": lambda stage: operator(stage, "s3").list_objects_v2(
        Bucket=stage.parameter(deployment.REPORTS_PATH)
    ),
    "Invoke cdr-query": lambda stage: operator(stage, "lambda").invoke(
        FunctionName=stage.parameter(deployment.CDR_QUERY_PATH)
    ),
    "SendMessage": lambda stage: operator(stage, "sqs").send_message(
        QueueUrl=stage.parameter(deployment.CDR_QUEUE_PATH), MessageBody="{}"
    ),
    "GetParameter of a role": lambda stage: operator(stage, "ssm").get_parameter(
        Name=deployment.parameter_name(stage.name, deployment.role_path(deployment.QM_SERVICE))
    ),
}


def operator(stage: DeployedStage, service: str) -> Any:
    return stage.client(service, deployment.DATA_OPERATOR)


@pytest.mark.parametrize("action", REFUSED_TO_OPERATORS)
def test_an_operator_may_do_nothing_that_no_command_does(local: DeployedStage, action: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        REFUSED_TO_OPERATORS[action](local)
