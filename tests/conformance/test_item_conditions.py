from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.identity import ACCOUNT, REGION
from tests.conformance.scenarios import code_of, role, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

ACTIONS = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"]


def outcomes(cloud: LocalCloud, condition: dict[str, Any]) -> dict[str, str]:
    """What reads and updates of one's own and of another's item come to under `condition`."""
    name = table(cloud)
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    statement = {"Effect": "Allow", "Action": ACTIONS, "Resource": arn, "Condition": condition}
    client = cloud.client("dynamodb", cloud.assume(role(cloud, statement)))

    def key(pk: str) -> dict[str, Any]:
        return {"pk": {"S": pk}, "sk": {"S": "a"}}

    def update(pk: str, expression: str, **names: str) -> str:
        further = {"ExpressionAttributeNames": {f"#{short}": name for short, name in names.items()}} if names else {}
        return code_of(
            lambda: client.update_item(
                TableName=name,
                Key=key(pk),
                UpdateExpression=expression,
                ConditionExpression="attribute_not_exists({0}) OR {0} = :v".format("#gone" if names else "a"),
                ExpressionAttributeValues={":v": {"S": "v"}},
                **further,
            )
        )

    return {
        "get mine": code_of(lambda: client.get_item(TableName=name, Key=key("USER#1"))),
        "get another's": code_of(lambda: client.get_item(TableName=name, Key=key("GROUP#1"))),
        "batch of mine": code_of(lambda: client.batch_get_item(RequestItems={name: {"Keys": [key("USER#1")]}})),
        "batch with another's": code_of(
            lambda: client.batch_get_item(RequestItems={name: {"Keys": [key("USER#1"), key("GROUP#1")]}})
        ),
        "update mine": update("USER#1", "SET a = :v"),
        "update another's": update("GROUP#1", "SET a = :v"),
        "update by placeholder": update("USER#1", "SET #x = :v", x="a", gone="a"),
        "update elsewhere": update("USER#1", "SET a = :v, secret = :v"),
        "condition elsewhere": update("USER#1", "SET #x = :v", x="a", gone="secret"),
    }


def permitted(found: dict[str, str]) -> set[str]:
    assert set(found.values()) <= {"allowed", "AccessDeniedException"}, found
    return {name for name, code in found.items() if code == "allowed"}


MINE = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}}
THESE = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", "a"]}}


def test_a_role_is_narrowed_to_its_items(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    everything = set(outcomes(as_it_comes, MINE))
    assert permitted(outcomes(corrected, MINE)) == everything - {
        "get another's",
        "batch with another's",
        "update another's",
    }
    assert permitted(outcomes(as_it_comes, MINE)) == everything


def test_a_role_is_narrowed_to_its_attributes(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    everything = set(outcomes(as_it_comes, THESE))
    assert permitted(outcomes(corrected, THESE)) == everything - {"update elsewhere", "condition elsewhere"}
    assert permitted(outcomes(as_it_comes, THESE)) == everything
