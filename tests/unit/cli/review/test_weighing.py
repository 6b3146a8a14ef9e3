"""What lets somebody in, or takes a guard away, is never among the notes, whatever brings it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.review.changes import Kind
from cli.review.comparison import compare
from tests.unit.cli.review.system import System, allow, resource
from tests.unit.cli.review.test_comparison import STAGES, changed, drop, put, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.review.system import Resources

STRANGER = "999999999999"
OPEN = {"PolicyDocument": {"Statement": [allow("sqs:*", "q", Principal={"AWS": STRANGER})]}}
MUCH = {"PolicyDocument": {"Statement": [allow("*", "*")]}}
TRAIL = resource("AWS::CloudTrail::Trail", "data/Trail", IsLogging=True)
PLAN = resource("AWS::Backup::BackupPlan", "data/Plan", BackupPlan={"BackupPlanRule": [{"Lifecycle": {"Days": 365}}]})
CONTROL = resource(
    "AWS::Organizations::Policy",
    "data/Control",
    Content={"Statement": [{"Sid": "Stay", "Effect": "Deny", "Action": "dynamodb:DeleteTable", "Resource": "*"}]},
)
PARAMETER = resource("AWS::SSM::Parameter", "data/Name", Name="/switchboard/x", Value="y")
INVOKED = resource(
    "AWS::Lambda::Permission", "data/Invoked", Principal="sns.amazonaws.com", Action="lambda:InvokeFunction"
)
BUCKET_POLICY = resource("AWS::S3::BucketPolicy", "data/TlsOnly", **OPEN)
LIMIT = resource(
    "AWS::IAM::ManagedPolicy", "functions/Limit", PolicyDocument={"Statement": [allow("s3:GetObject", "*")]}
)


def add(logical_id: str, found: dict[str, Any]) -> Callable[[Resources], None]:
    def change(resources: Resources) -> None:
        resources[logical_id] = found

    return change


@pytest.mark.parametrize(
    ("kind", "properties", "worry", "says"),
    [
        (
            "AWS::Lambda::Permission",
            {"Principal": STRANGER, "Action": "lambda:Invoke"},
            Kind.POLICY,
            f"lets {STRANGER}",
        ),
        ("AWS::SQS::QueuePolicy", OPEN, Kind.POLICY, f"its policy lets AWS {STRANGER} sqs:* on q"),
        ("AWS::IAM::User", {"Policies": [{"PolicyName": "all", **MUCH}]}, Kind.PERMISSION_ADDED, "* on *"),
        ("AWS::IAM::ManagedPolicy", {"Roles": ["elsewhere"], **MUCH}, Kind.PERMISSION_ADDED, "* on *"),
        ("AWS::IAM::RolePolicy", {"RoleName": {"Ref": "WriterRole1"}, **MUCH}, Kind.PERMISSION_ADDED, "* on *"),
        ("AWS::IAM::AccessKey", {"UserName": "jane"}, Kind.POLICY, "IAM AccessKey is new"),
        ("AWS::EC2::SecurityGroupIngress", {"CidrIp": "10.0.0.0/8"}, Kind.POLICY, "is new"),
        ("AWS::KMS::Key", {"KeyPolicy": OPEN["PolicyDocument"]}, Kind.POLICY, f"its policy lets AWS {STRANGER}"),
    ],
    ids=lambda value: value.rpartition("::")[2] if isinstance(value, str) and value.startswith("AWS::") else "",
)
def test_a_new_resource_that_lets_somebody_in_says_whom_and_what(
    tmp_path: Path, kind: str, properties: dict[str, Any], worry: Kind, says: str
) -> None:
    found = changed(tmp_path, "functions", add("New1", resource(kind, "functions/New", **properties)))
    assert any(each.kind is worry and says in each.what for each in found), found


def test_who_is_not_of_the_app_is_named(tmp_path: Path) -> None:
    policy = resource("AWS::IAM::ManagedPolicy", "functions/New", Roles=["theirs"], Users=["jane"], **MUCH)
    found = changed(tmp_path, "functions", add("New1", policy))
    assert {each.place for each in found if each.kind is Kind.PERMISSION_ADDED} == {"role theirs", "user jane"}


@pytest.mark.parametrize(
    ("before", "stack", "change", "expected"),
    [
        (TRAIL, "data", put("Extra1.IsLogging", False), (Kind.GUARD, "data/Trail")),
        (TRAIL, "data", drop("Extra1"), (Kind.GUARD, "data/Trail")),
        (PLAN, "data", put("Extra1.BackupPlan.BackupPlanRule", []), (Kind.GUARD, "data/Plan")),
        (CONTROL, "data", put("Extra1.Content.Statement", []), (Kind.POLICY, "data/Control")),
        (PARAMETER, "data", drop("Extra1"), (Kind.PUBLISHED, "data/Name")),
        (PARAMETER, "data", put("Extra1.Name", "/switchboard/z"), (Kind.PUBLISHED, "data/Name")),
        (INVOKED, "data", put("Extra1.Principal", STRANGER), (Kind.POLICY, "data/Invoked")),
        (BUCKET_POLICY, "data", drop("Extra1"), (Kind.POLICY, "data/TlsOnly")),
        (None, "functions", drop("FromStream1"), (Kind.DELIVERY, "functions/FromStream")),
        (None, "data", put("Cdr1.StreamSpecification.StreamViewType", "KEYS_ONLY"), (Kind.DELIVERY, "data/CdrTable")),
        (None, "data", put("Bucket1.ReplicationConfiguration", {"Role": "r"}), (Kind.KEPT, "data/Quarantine")),
        (
            None,
            "data",
            lambda resources: resources["Cdr1"].update(UpdateReplacePolicy="Delete"),
            (Kind.KEPT, "data/CdrTable"),
        ),
        (
            resource("AWS::Backup::BackupVault", "data/Vault") | {"DeletionPolicy": "Retain"},
            "data",
            lambda resources: resources["Extra1"].update(DeletionPolicy="Delete"),
            (Kind.KEPT, "data/Vault"),
        ),
        (
            None,
            "functions",
            put(
                "ServiceRole1.AssumeRolePolicyDocument.Statement",
                [allow(["sts:AssumeRole", "sts:TagSession"], "*", Principal={"Service": "ec2.amazonaws.com"})],
            ),
            (Kind.TRUST, "functions/QmService/Role"),
        ),
        (
            None,
            "functions",
            put(
                "ServiceRole1.AssumeRolePolicyDocument.Statement.0.Effect".removesuffix(".0.Effect"),
                [{**allow("sts:AssumeRole", "*", Principal={"Service": "ec2.amazonaws.com"}), "Effect": "Deny"}],
            ),
            (Kind.TRUST, "functions/QmService/Role"),
        ),
    ],
)
def test_a_guard_that_is_gone_or_weaker_is_not_a_note(
    tmp_path: Path,
    before: dict[str, Any] | None,
    stack: str,
    change: Callable[[Resources], None],
    expected: tuple[Kind, str],
) -> None:
    system = System() if before is None else System().everywhere(stack, add("Extra1", before))
    assert expected in told(changed(tmp_path, stack, change, system))


def test_a_boundary_that_is_gone_is_said_once(tmp_path: Path) -> None:
    before = System().everywhere("functions", add("Limit1", LIMIT))
    before.everywhere("functions", put("ServiceRole1.PermissionsBoundary", {"Ref": "Limit1"}))
    found = changed(
        tmp_path,
        "functions",
        lambda resources: resources["ServiceRole1"]["Properties"].pop("PermissionsBoundary"),
        before,
    )
    said = [each.what for each in found if each.kind is Kind.PERMISSION_ADDED]
    assert said == ["its boundary is gone: nothing limits any more what it is given"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("Cdr1.GlobalSecondaryIndexes", []), "index by_sponsor is deleted; its questions have no answer"),
        (
            lambda resources: put(
                "Cdr1.GlobalSecondaryIndexes",
                [
                    {
                        **resources["Cdr1"]["Properties"]["GlobalSecondaryIndexes"][0],
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    }
                ],
            )(resources),
            "index by_sponsor is made anew: its Projection cannot be changed in place",
        ),
    ],
)
def test_an_index_that_is_lost_stays_nowhere(tmp_path: Path, change: Callable[[Resources], None], says: str) -> None:
    first = changed(tmp_path, "data", change)[0]
    assert (first.kind, first.place) == (Kind.DELETED, "data/CdrTable")
    assert says in first.what


def test_a_new_role_says_who_may_be_it(tmp_path: Path) -> None:
    trust = {"Statement": [allow("sts:AssumeRole", "*", NotPrincipal={"AWS": STRANGER})]}
    found = changed(
        tmp_path, "functions", add("New1", resource("AWS::IAM::Role", "functions/New", AssumeRolePolicyDocument=trust))
    )
    assert (Kind.PUBLIC, "functions/New") in told(found)
    (trusted,) = (each for each in found if each.kind is Kind.TRUST)
    assert (trusted.before, trusted.after) == ("nobody: it is new", f"everybody but AWS {STRANGER}")


def test_another_name_of_a_statement_changes_nothing(tmp_path: Path) -> None:
    def rename(resources: Resources) -> None:
        resources["WriterPolicy1"]["Properties"]["PolicyDocument"]["Statement"][0]["Sid"] = "Another"

    assert changed(tmp_path, "functions", rename) == []


def test_what_a_stack_says_beside_its_resources_is_compared(tmp_path: Path) -> None:
    before = System()
    before.sections["data"] = {
        "Outputs": {"CdrTable": {"Value": {"Ref": "Cdr1"}}},
        "Rules": {"RefuseToDeployPlaceholder": {"Assertions": [{"Assert": "x"}]}},
        "Parameters": {"Place": {"Type": "String"}},
    }
    found = {
        (each.kind, each.place, each.before, each.stages)
        for each in compare(before.read(tmp_path / "a"), System().read(tmp_path / "b"))
    }
    assert found == {
        (Kind.PUBLISHED, "data/CdrTable", "{data/CdrTable}", STAGES),
        (Kind.GUARD, "data", "x", STAGES),
        (Kind.CHANGED, "data", "String", STAGES),
    }


def test_what_is_made_after_what_is_compared(tmp_path: Path) -> None:
    before = System().everywhere(
        "functions", lambda resources: resources["Writer1"].update(DependsOn=["WriterPolicy1"])
    )
    (found,) = compare(before.read(tmp_path / "a"), System().read(tmp_path / "b"))
    assert (found.what, found.before, found.after) == ("made after", "functions/Writer/Policy", "nothing")
