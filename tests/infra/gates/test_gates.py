"""The templates of every stage but `local` meet the rules of nine sets, or the register says why not."""

from __future__ import annotations

import ast
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aws_cdk import Stack, Stage
from aws_cdk.aws_iam import CfnUser
from aws_cdk.aws_s3 import CfnBucket
from policy_sentry.querying.actions import get_action_data

from cli.review.assembly import read_assembly
from cli.review.grants import grants
from cli.review.holders import BOUNDARY
from infra.acknowledged import ACKNOWLEDGED, MISJUDGED, PROD
from infra.constructs.shapes import ALL as SHAPES
from tests.infra.gates.findings import REPORT, UNGATED, Finding, gated_app, inspect, read_findings
from tests.infra.templates import walk

if TYPE_CHECKING:
    from cli.review.assembly import StageTemplates

PLUGINS = {
    "AwsSolutions",
    "NIST.800.53.R5",
    "HIPAA.Security",
    "PCI.DSS.321",
    "Serverless",
    "cdk-validator-cfnguard",
}
MISJUDGING = {misjudged.rule for misjudged in MISJUDGED}
CONSTRUCTS_IN_PROD = 5


@pytest.fixture(scope="module")
def stages(gated: Path) -> dict[str, StageTemplates]:
    return {stage.name: stage for stage in read_assembly(gated) if stage.name != UNGATED}


def acknowledged(stage: str) -> list[Finding]:
    return [
        Finding(stage, construct, rule)
        for gap in ACKNOWLEDGED.get(stage, ())
        for construct, rules in gap.found.items()
        for rule in rules
    ]


def test_every_validator_has_judged(gated: Path) -> None:
    reports = json.loads((gated / REPORT).read_text())["pluginReports"]
    assert {report["pluginName"] for report in reports} >= PLUGINS


def test_every_stage_but_local_is_judged(stages: dict[str, StageTemplates]) -> None:
    assert set(stages) >= set(ACKNOWLEDGED)
    assert all(stage.resources for stage in stages.values())


def test_what_is_found_is_what_the_register_says(
    findings: frozenset[Finding], stages: dict[str, StageTemplates]
) -> None:
    found = {finding for finding in findings if finding.rule not in MISJUDGING}
    known = {finding for stage in stages for finding in acknowledged(stage)}
    assert sorted(found - known) == [], "found, and not in infra/acknowledged.py"
    assert sorted(known - found) == [], "in infra/acknowledged.py, and not found any more"


def test_nothing_is_acknowledged_twice_and_little_of_prod() -> None:
    assert set(ACKNOWLEDGED) == {"dev", "prod"}
    for stage, gaps in ACKNOWLEDGED.items():
        assert len(acknowledged(stage)) == len(set(acknowledged(stage)))
        assert all(len(gap.reason.split(". ")) > 1 and gap.found for gap in gaps), "say what limits the risk"
    assert len({construct for gap in PROD for construct in gap.found}) <= CONSTRUCTS_IN_PROD


def test_a_rule_that_misjudges_is_broken_somewhere_and_another_judges_instead(findings: frozenset[Finding]) -> None:
    tests = {node.name for node in ast.parse(Path(__file__).read_text()).body if isinstance(node, ast.FunctionDef)}
    for misjudged in MISJUDGED:
        assert misjudged.rule in {finding.rule for finding in findings}, f"{misjudged.rule} is mended: judge by it"
        by_test, by_rule = misjudged.instead in tests, "-" in misjudged.instead
        assert by_test is not by_rule
        assert (misjudged.instead not in {finding.rule for finding in findings if finding.stage == "prod"}) or by_test


def test_every_queue_is_encrypted_by_sqs(stages: dict[str, StageTemplates]) -> None:
    queues = [queue for stage in stages.values() for queue in stage.of_type("AWS::SQS::Queue")]
    assert queues
    assert all(queue.properties["SqsManagedSseEnabled"] is True for queue in queues)


def test_a_key_is_open_to_callers_of_the_account_through_one_service_only(stages: dict[str, StageTemplates]) -> None:
    opened = [
        statement
        for stage in stages.values()
        for key in stage.of_type("AWS::KMS::Key")
        for statement in key.properties["KeyPolicy"]["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] in ("*", {"AWS": "*"})
    ]
    assert opened
    for statement in opened:
        assert set(statement["Condition"]) == {"StringEquals"}
        assert set(statement["Condition"]["StringEquals"]) == {"kms:ViaService", "kms:CallerAccount"}
        assert "*" not in json.dumps(statement["Condition"])


def test_what_a_queue_cannot_deliver_goes_to_a_dead_letter_queue(stages: dict[str, StageTemplates]) -> None:
    for stage in (stages[name] for name in ACKNOWLEDGED):
        queues = {queue.place: queue for queue in stage.of_type("AWS::SQS::Queue")}
        last = {place for place, queue in queues.items() if "RedrivePolicy" not in queue.properties}
        taking = set()
        for queue in queues.values():
            if "RedrivePolicy" in queue.properties:
                found = stage.target(queue.stack, queue.properties["RedrivePolicy"]["deadLetterTargetArn"])
                assert found is not None
                taking.add(found.place)
        for function in stage.of_type("AWS::Lambda::Function"):
            found = stage.target(function.stack, function.properties["DeadLetterConfig"]["TargetArn"])
            assert found is not None
            taking.add(found.place)
        assert len(queues) > len(last)
        assert last == taking


def test_what_a_mapping_cannot_deliver_is_kept(stages: dict[str, StageTemplates]) -> None:
    for stage in (stages[name] for name in ACKNOWLEDGED):
        mappings = stage.of_type("AWS::Lambda::EventSourceMapping")
        assert mappings
        for mapping in mappings:
            source = stage.target(mapping.stack, mapping.properties["EventSourceArn"])
            assert source is not None
            if source.type == "AWS::SQS::Queue":
                assert "RedrivePolicy" in source.properties
            else:
                destination = mapping.properties["DestinationConfig"]["OnFailure"]["Destination"]
                kept = stage.target(mapping.stack, destination)
                assert kept is not None
                assert kept.type == "AWS::S3::Bucket"


def test_what_is_no_star_is_the_full_shape_of_a_name(stages: dict[str, StageTemplates]) -> None:
    """The rules look for stars only; a pattern of question marks escapes them, so that it is judged here."""
    shaped = {grant.resource for stage in stages.values() for grant in grants(stage) if "?" in grant.resource}
    assert shaped
    for resource in shaped:
        rest = resource
        for shape in SHAPES:
            rest = rest.replace(shape, "")
        assert "?" not in rest, f"{resource} is no literal, and no name of a known shape"


def test_every_named_resource_is_one_that_its_action_knows(stages: dict[str, StageTemplates]) -> None:
    named = {
        (grant.action, grant.resource)
        for stage in stages.values()
        for grant in grants(stage)
        if grant.resource.startswith("arn:") and grant.effect == "Allow" and grant.through != BOUNDARY
    }
    assert named
    for action, resource in named:
        service, name = action.split(":")
        forms = {form["resource_arn_format"] for form in get_action_data(service, name)[service]} - {"*"}
        patterns = [re.sub(r"\$\{\w+\}", "*", form) for form in forms]
        assert any(fnmatchcase(resource, pattern) for pattern in patterns), f"{action} knows no {resource}"


def test_every_resource_of_all_is_unavoidable(stages: dict[str, StageTemplates]) -> None:
    everywhere = {
        grant.action
        for stage in stages.values()
        for grant in grants(stage)
        if (grant.resource, grant.effect) == ("*", "Allow") and grant.through != BOUNDARY
    }
    assert everywhere
    for action in everywhere:
        service, name = action.split(":")
        forms = {form["resource_arn_format"] for form in get_action_data(service, name)[service]}
        assert forms == {"*"}, f"{action} can be narrowed to {sorted(forms - {'*'})}"


NAMED_PERSONS = (
    "AWS::IAM::User",
    "AWS::IAM::Group",
    "AWS::IAM::AccessKey",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::GroupPolicy",
    "AWS::IAM::UserToGroupAddition",
    "AWS::IAM::VirtualMFADevice",
)


def persons(gated: Path) -> list[str]:
    """Users, groups, keys and login profiles in the templates of every stage, `local` included."""
    return [
        f"{stage.name}/{resource.place}"
        for stage in read_assembly(gated)
        for resource in stage.resources
        if resource.type in NAMED_PERSONS or "LoginProfile" in {key for key, _ in walk(dict(resource.properties))}
    ]


def test_no_template_names_a_person(gated: Path) -> None:
    assert persons(gated) == []


def test_the_gates_notice_what_they_are_for(tmp_path: Path) -> None:
    app = gated_app(tmp_path)
    stack = Stack(Stage(app, "planted"), "stack")
    CfnBucket(stack, "Open").add_property_override("NoSuchProperty", value=True)
    CfnUser(stack, "Person")
    inspect(app, tmp_path)
    rules = {finding.rule for finding in read_findings(tmp_path) if finding.construct == "stack/Open"}
    assert rules >= {
        "AwsSolutions-S1",
        "NIST.800.53.R5-S3BucketVersioningEnabled",
        "HIPAA.Security-S3BucketLoggingEnabled",
        "PCI.DSS.321-S3BucketLoggingEnabled",
        "s3_bucket_logging_enabled_check",
        "CKV_AWS_18",
        "E3002",
    }
    assert persons(tmp_path) == ["planted/stack/Person"]
