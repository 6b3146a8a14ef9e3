"""What nobody in an account may do, whatever its own policies say: a service control policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 5_120
"""Characters of a service control policy (AWS Organizations User Guide, "Quotas")."""

DEPLOYMENT: Final = "arn:*:iam::*:role/cdk-hnb659fds-cfn-exec-role-*"
"""The role with which CloudFormation deploys what the CDK hands over, in whichever account. The calls are its own:
`aws:PrincipalArn` names it, and `aws:CalledVia` says nothing."""

OUR_TABLES: Final = f"arn:*:dynamodb:*:*:table/{APP}-*"
"""The tables of every stage: CloudFormation names them after their stack. People delete others by hand: the old table
once it is imported, and one that was restored to look at it."""

GLOBAL_SERVICES: Final = (
    "account:*",
    "aws-portal:*",
    "billing:*",
    "budgets:*",
    "ce:*",
    "cloudfront:*",
    "consolidatedbilling:*",
    "cur:*",
    "ec2:DescribeRegions",
    "freetier:*",
    "globalaccelerator:*",
    "health:*",
    "iam:*",
    "invoicing:*",
    "organizations:*",
    "payments:*",
    "pricing:*",
    "route53:*",
    "route53domains:*",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "s3:PutAccountPublicAccessBlock",
    "shield:*",
    "sso:*",
    "sts:*",
    "support:*",
    "supportplans:*",
    "tax:*",
    "trustedadvisor:*",
    "waf:*",
)
"""Services that answer from one region for all of them (AWS Organizations User Guide, "General examples", the policy
that denies access by region). A region lock without these would lock out signing in and paying, too."""


def control_policy(regions: Sequence[str]) -> dict[str, Any]:
    """The policy document. It grants nothing: beside it, the organisation's own allowing policies stay attached."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            _deny("TablesComeByDeploymentOnly", ["dynamodb:CreateTable"], _NOT_DEPLOYED),
            {**_deny("OurTablesGoByDeploymentOnly", ["dynamodb:DeleteTable"], _NOT_DEPLOYED), "Resource": OUR_TABLES},
            _deny(
                "NobodyGetsALastingKey",
                [
                    "iam:CreateAccessKey",
                    "iam:CreateLoginProfile",
                    "iam:CreateServiceSpecificCredential",
                    "iam:CreateUser",
                    "iam:UpdateLoginProfile",
                    "iam:UploadSigningCertificate",
                ],
            ),
            {
                "Sid": "OnlyTheseRegions",
                "Effect": "Deny",
                "NotAction": list(GLOBAL_SERVICES),
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(regions)}},
            },
            _deny(
                "RecordingChangesByDeploymentOnly",
                [
                    "cloudtrail:DeleteTrail",
                    "cloudtrail:PutEventSelectors",
                    "cloudtrail:StopLogging",
                    "cloudtrail:UpdateTrail",
                    "config:DeleteConfigRule",
                    "config:DeleteConfigurationRecorder",
                    "config:DeleteDeliveryChannel",
                    "config:PutConfigurationRecorder",
                    "config:PutDeliveryChannel",
                    "config:StopConfigurationRecorder",
                ],
                _NOT_DEPLOYED,
            ),
        ],
    }


_NOT_DEPLOYED: Final = {"ArnNotLike": {"aws:PrincipalArn": DEPLOYMENT}}


def _deny(sid: str, actions: list[str], condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Deny", "Action": actions, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement
