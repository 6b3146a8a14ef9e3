"""The stage of the management account: one policy, its inputs, and what it forbids."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.build import build, new_app
from infra.config_types import PLACEHOLDER_ACCOUNT
from infra.constructs.control_policy import DEPLOYMENT, LONGEST, control_policy
from infra.inputs import PLACEHOLDER_REGION, organisation
from switchboard.schema import deployment
from tests.infra.templates import ROOT, STAGES, cdk_context

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.templates import Templates

POLICY = "AWS::Organizations::Policy"
TABLE = "AWS::DynamoDB::Table"
REGIONS = ("eu-central-1", "eu-west-1")


def synthesized(out: Path, **context: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stack's manifest entry and its template."""
    app = new_app(context={**cdk_context(), "aws:cdk:bundling-stacks": [], **context}, outdir=str(out))
    (stage,) = (each for each in build(app) if each.node.id == "organisation")
    folder = out / "assembly-organisation"
    app.synth()
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"].values()
    (artifact,) = (each for each in artifacts if each["type"] == "aws:cloudformation:stack")
    assert stage.stage_name == "organisation"
    return artifact, json.loads((folder / artifact["properties"]["templateFile"]).read_text())


@pytest.fixture(scope="module")
def placeholder(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    return synthesized(tmp_path_factory.mktemp("placeholder"))


def test_the_stage_is_listed_with_one_policy(placeholder: tuple[dict[str, Any], dict[str, Any]]) -> None:
    artifact, template = placeholder
    assert artifact["displayName"].startswith("organisation/policy")
    assert artifact["properties"]["stackName"] == "switchboard-organisation-policy"
    assert artifact["properties"]["terminationProtection"] is True
    (policy,) = template["Resources"].values()
    assert policy["Type"] == POLICY
    assert policy["Properties"]["Type"] == "SERVICE_CONTROL_POLICY"
    assert policy["Properties"]["Content"] == control_policy([PLACEHOLDER_REGION])
    assert len(policy["Properties"]["Description"]) > 20


def test_without_its_targets_it_is_refused_by_cloudformation(
    placeholder: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    _, template = placeholder
    assert template["Resources"]["ControlPolicy"]["Properties"]["TargetIds"] == [PLACEHOLDER_ACCOUNT]
    (assertion,) = template["Rules"]["RefuseToDeployPlaceholder"]["Assertions"]
    reference, wanted = assertion["Assert"]["Fn::Equals"]
    parameter = template["Parameters"][reference["Ref"]]
    assert parameter["AllowedValues"] == [parameter["Default"]]
    assert wanted not in parameter["AllowedValues"]
    assert "-c organisation-targets=" in assertion["AssertDescription"]


def test_with_its_inputs_it_is_deployable(tmp_path: Path) -> None:
    _, template = synthesized(
        tmp_path,
        **{"organisation-targets": "ou-ab12-34cdefgh,123456789012", "organisation-regions": ",".join(REGIONS)},
    )
    assert "Rules" not in template or "RefuseToDeployPlaceholder" not in template["Rules"]
    properties = template["Resources"]["ControlPolicy"]["Properties"]
    assert properties["TargetIds"] == ["ou-ab12-34cdefgh", "123456789012"]
    (lock,) = (each for each in properties["Content"]["Statement"] if "NotAction" in each)
    assert lock["Condition"] == {"StringNotEquals": {"aws:RequestedRegion": list(REGIONS)}}


@pytest.mark.parametrize(
    ("targets", "regions"),
    [
        ("123456789012", None),
        (None, "eu-west-1"),
        ("12345678901", "eu-west-1"),
        ("ou-AB12-34cdefgh", "eu-west-1"),
        ("123456789012,", "eu-west-1"),
        ("123456789012", "Frankfurt"),
        ("123456789012", "eu-west-1, eu-central-1"),
        ("", ""),
    ],
)
def test_inputs_that_cannot_be_right_name_both(targets: str | None, regions: str | None) -> None:
    with pytest.raises(ValueError, match=r"-c organisation-targets=<.*> -c organisation-regions=<"):
        organisation({"organisation-targets": targets, "organisation-regions": regions}.get)


def test_the_policy_fits_with_every_region_there_is() -> None:
    text = json.dumps(control_policy([f"ap-southeast-{number}" for number in range(40)]), separators=(",", ":"))
    assert len(text) <= LONGEST


def statements() -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in control_policy(REGIONS)["Statement"]}


def test_it_only_denies_and_everywhere_but_for_tables_of_others() -> None:
    narrowed = {sid: each["Resource"] for sid, each in statements().items() if each["Resource"] != "*"}
    assert {each["Effect"] for each in statements().values()} == {"Deny"}
    assert narrowed == {"OurTablesGoByDeploymentOnly": "arn:*:dynamodb:*:*:table/switchboard-*"}


def test_tables_and_recording_change_by_deployment_only() -> None:
    made = statements()["TablesComeByDeploymentOnly"]
    deleted = statements()["OurTablesGoByDeploymentOnly"]
    recording = statements()["RecordingChangesByDeploymentOnly"]
    assert (made["Action"], deleted["Action"]) == (["dynamodb:CreateTable"], ["dynamodb:DeleteTable"])
    assert {"cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors"} <= set(
        recording["Action"]
    )
    assert {"config:StopConfigurationRecorder", "config:DeleteConfigurationRecorder", "config:DeleteConfigRule"} <= set(
        recording["Action"]
    )
    for each in (made, deleted, recording):
        assert each["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": DEPLOYMENT}}


@pytest.mark.parametrize(
    ("role", "deploys"),
    [
        ("arn:aws:iam::123456789012:role/cdk-hnb659fds-cfn-exec-role-123456789012-eu-central-1", True),
        ("arn:aws:iam::123456789012:role/cdk-hnb659fds-deploy-role-123456789012-eu-central-1", False),
        ("arn:aws:iam::123456789012:role/my-cdk-hnb659fds-cfn-exec-role-123456789012-eu-central-1", False),
        ("arn:aws:iam::123456789012:user/cdk-hnb659fds-cfn-exec-role-1", False),
        ("arn:aws:iam::123456789012:role/Administrator", False),
    ],
)
def test_the_deployment_is_cloudformations_role_and_no_other(role: str, deploys: bool) -> None:
    assert fnmatch.fnmatchcase(role, DEPLOYMENT) is deploys


def test_every_table_of_a_stage_is_named_as_the_policy_says(templates: Templates) -> None:
    pattern = str(statements()["OurTablesGoByDeploymentOnly"]["Resource"]).rpartition("/")[2]
    for stage in STAGES:
        assert fnmatch.fnmatchcase(f"{templates.artifact(stage, 'data')['properties']['stackName']}-Table-X", pattern)
        named = [table["Properties"].get("TableName") for table in templates.resources(stage, TABLE).values()]
        assert set(named) <= {None, deployment.LOCAL_LEGACY_TABLE}, "CloudFormation names them after their stack"


def test_a_table_is_restored_under_a_name_that_people_may_delete() -> None:
    pattern = str(statements()["OurTablesGoByDeploymentOnly"]["Resource"]).rpartition("/")[2]
    page = (ROOT / "docs" / "operations.md").read_text()
    (target,) = re.findall(r'--target-table-name "(\S+)"', page)
    assert not fnmatch.fnmatchcase(target.replace("$table", "switchboard-prod-data-Table-X"), pattern)


def test_nobody_gets_a_lasting_key_the_deployment_included() -> None:
    keys = statements()["NobodyGetsALastingKey"]
    assert {"iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"} <= set(keys["Action"])
    # Switching a key off is how a service moves away from it.
    assert "iam:UpdateAccessKey" not in keys["Action"]
    assert "iam:DeleteAccessKey" not in keys["Action"]
    assert "Condition" not in keys


@pytest.mark.parametrize(
    ("action", "locked"),
    [
        ("dynamodb:PutItem", True),
        ("s3:PutObject", True),
        ("lambda:InvokeFunction", True),
        ("kms:Decrypt", True),
        ("cloudtrail:StartLogging", True),
        ("iam:CreateRole", False),
        ("sts:AssumeRole", False),
        ("organizations:DescribeOrganization", False),
        ("route53:ChangeResourceRecordSets", False),
        ("cloudfront:CreateInvalidation", False),
        ("s3:ListAllMyBuckets", False),
        ("support:CreateCase", False),
    ],
)
def test_the_region_lock_spares_services_without_a_region(action: str, locked: bool) -> None:
    spared = statements()["OnlyTheseRegions"]["NotAction"]
    assert any(fnmatch.fnmatchcase(action, pattern) for pattern in spared) is not locked
