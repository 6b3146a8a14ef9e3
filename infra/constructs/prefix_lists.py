"""The addresses of DynamoDB and S3, as security groups name them.

AWS keeps one list of addresses per service and region, whose id is the same in every account. Neither CloudFormation
nor an endpoint tells it, and asking AWS would make synthesis depend on credentials, so the ids stand here. A region
that is missing here is added with what this says: `aws ec2 describe-managed-prefix-lists --region <region> --filters
Name=prefix-list-name,Values=com.amazonaws.<region>.dynamodb,com.amazonaws.<region>.s3`. A wrong id fails the deployment
of the security group, and `switchboard doctor` compares the deployed ids with what AWS says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnMapping, Stack, Token

if TYPE_CHECKING:
    from constructs import Construct

DYNAMODB: Final = "dynamodb"
S3: Final = "s3"

_IDS: Final = {
    "ap-northeast-1": ("pl-78a54011", "pl-61a54008"),
    "ap-northeast-2": ("pl-48a54021", "pl-78a54011"),
    "ap-south-1": ("pl-66a7420f", "pl-78a54011"),
    "ap-southeast-1": ("pl-67a5400e", "pl-6fa54006"),
    "ap-southeast-2": ("pl-62a5400b", "pl-6ca54005"),
    "ca-central-1": ("pl-4ea54027", "pl-7da54014"),
    "eu-central-1": ("pl-66a5400f", "pl-6ea54007"),
    "eu-west-1": ("pl-6fa54006", "pl-6da54004"),
    "eu-west-2": ("pl-b3a742da", "pl-7ca54015"),
    "eu-west-3": ("pl-abb451c2", "pl-23ad484a"),
    "sa-east-1": ("pl-60a54009", "pl-6aa54003"),
    "us-east-1": ("pl-02cd2c6b", "pl-63a5400a"),
    "us-east-2": ("pl-4ca54025", "pl-7ba54012"),
    "us-west-1": ("pl-6ea54007", "pl-6ba54002"),
    "us-west-2": ("pl-00a54069", "pl-68a54001"),
}
"""Ids of the lists of DynamoDB and of S3, by region."""


class PrefixLists(CfnMapping):
    """The ids for the region of the stack, which is looked up at deployment where it is not fixed before.

    Raises `ValueError` where the region is fixed and its ids are not known here.
    """

    def __init__(self, scope: Construct) -> None:
        super().__init__(
            scope,
            "PrefixLists",
            mapping={region: {DYNAMODB: of_dynamodb, S3: of_s3} for region, (of_dynamodb, of_s3) in _IDS.items()},
        )
        self._region = Stack.of(scope).region
        if not Token.is_unresolved(self._region) and self._region not in _IDS:
            raise ValueError(f"The prefix lists of {self._region} are not known: add them in {__name__}.")

    def of(self, service: str) -> str:
        """Id of the list of `dynamodb` or `s3`."""
        return self.find_in_map(self._region, service)
