"""The policy of a table itself, which holds whatever the policies of an identity say."""

from __future__ import annotations

from typing import Final

from aws_cdk.aws_iam import AnyPrincipal, Effect, PolicyDocument, PolicyStatement

from infra.constructs.dynamodb_actions import EXPORT, ON_ITEMS

WITHOUT_A_ROLE: Final = ("Account", "FederatedUser", "User")
"""What `aws:PrincipalType` says of the account's root, of sessions that a user's key made, and of users. A session of a
role is an `AssumedRole` (IAM User Guide, "AWS global condition context keys")."""

SIGNED_IN: Final = "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*"
"""The roles in which IAM Identity Center puts people. `aws:PrincipalArn` names the role of a session, so that a person
who went on from there to a role of this system is that role."""


def only_roles_touch_items() -> PolicyDocument:
    """A policy that refuses items, and the export of all of them, to keys, to root, and to people as they signed in.

    It names no action on the table or on its policy, and no service: deployment, backup, restore, the polling of
    streams and the repair of this policy go on as ever. The table is `*`, since it cannot name itself.
    """
    return PolicyDocument(
        statements=[
            _deny("NoItemsForKeysOfPeople", {"StringEquals": {"aws:PrincipalType": list(WITHOUT_A_ROLE)}}),
            _deny("NoItemsForPeopleAsTheySignedIn", {"ArnLike": {"aws:PrincipalArn": SIGNED_IN}}),
        ]
    )


def _deny(sid: str, conditions: dict[str, object]) -> PolicyStatement:
    return PolicyStatement(
        sid=sid,
        effect=Effect.DENY,
        principals=[AnyPrincipal()],
        actions=[*ON_ITEMS, EXPORT],
        resources=["*"],
        conditions=conditions,
    )
