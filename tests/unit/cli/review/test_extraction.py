"""What a review reads from the templates of a small system, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.review import flows
from cli.review.deliveries import deliveries
from cli.review.differences import ABSENT, comparable, differences
from cli.review.findings import Rule, findings
from cli.review.flows import graph
from cli.review.grants import grants
from cli.review.holders import BOUNDARY
from cli.review.matrix import permissions, trusted
from cli.review.merging import merged
from cli.review.protection import protections
from cli.review.steps import steps
from cli.review.tables import tables
from tests.unit.cli.review.system import System, allow, policy, resource

if TYPE_CHECKING:
    from pathlib import Path

    from cli.review.assembly import StageTemplates


def test_a_table_says_what_its_keys_and_indexes_answer(prod: StageTemplates) -> None:
    (table,) = tables(prod)
    assert (table.purpose, table.stream, table.expiry) == ("Call data records", "OLD_IMAGE", "")
    own, by_sponsor = table.indexes
    assert (own.name, own.partition_key, own.sort_key) == ("", "pk", "sk")
    assert (by_sponsor.name, by_sponsor.partition_key, by_sponsor.sort_key) == (
        "by_sponsor",
        "sponsor_shard",
        "occurred_at",
    )
    assert own.capacity == "on demand"
    assert [each.question for each in by_sponsor.answers] == ["What does this sponsor pay for in this time?"]
    assert own.answers


def test_deliveries_say_how_often_and_where_then(prod: StageTemplates) -> None:
    queue, stream = deliveries(prod)
    assert (queue.source, queue.function) == ("functions/Ingest/Queue", "functions/Writer/Function")
    assert (queue.retries, queue.after_failure) == ("5 deliveries, 360 s apart", "functions/Ingest/DeadLetters")
    assert stream.retries == "until it succeeds, at most 6 h, from the first failure on, in halves"
    assert stream.after_failure == "data/Quarantine"
    assert stream.filter == '{"eventName": ["MODIFY"]}'


def test_steps_say_how_often_and_where_then(prod: StageTemplates) -> None:
    (step,) = steps(prod)
    assert step.place == "functions/Machine: Work"
    assert step.retries == ("States.ALL: 6 times, after 2 s, times 2, at most 60 s",)
    assert step.after_failure == ("States.ALL: Explain",)


def test_steps_within_steps_are_found(tmp_path: Path) -> None:
    system = System("prod")
    inner = '{"States": {"Try": {"Retry": [{"ErrorEquals": ["A", "B"], "MaxAttempts": 0}]}}}'
    definition = f'{{"States": {{"Map": {{"ItemProcessor": {inner}}}, "Both": {{"Branches": [{inner}]}}}}}}'
    system.resources("prod", "functions")["Machine1"]["Properties"]["DefinitionString"] = definition
    (stage,) = system.read(tmp_path)
    assert [(step.place, step.retries) for step in steps(stage)] == [
        ("functions/Machine: Map / Try", ("A, B: never",)),
        ("functions/Machine: Both / Try", ("A, B: never",)),
    ]


def test_protection_is_told_of_everything_that_holds_data(prod: StageTemplates) -> None:
    found = {each.place: each for each in protections(prod)}
    table = found["data/CdrTable"]
    assert table.kept == "items for ever; any second of the last 35 days"
    assert (table.outlives_its_stack, table.protected, table.encrypted) == (True, "from deletion", "key data/Key")
    assert found["data/Quarantine"].protected == "never public, versioned"
    assert found["functions/Ingest/DeadLetters"].kept == "14 days"
    assert found["functions/Writer/LogGroup"].kept == "365 days"


def test_the_picture_shows_calls_streams_and_failures(prod: StageTemplates) -> None:
    drawn = {(flow.source.label, flow.how, flow.target.label) for flow in graph(prod).flows}
    assert drawn == {
        ("qm-service", flows.CALLS, "cdr-writer"),
        ("qm-service", flows.CALLS, "ingest"),
        ("ingest", flows.FEEDS, "cdr-writer"),
        ("ingest", flows.FAILS_TO, "dead"),
        ("cdr-writer", flows.WRITES, "cdr"),
        ("cdr", flows.FEEDS, "cdr-guard"),
        ("cdr-guard", flows.FAILS_TO, "quarantine"),
    }
    nodes = {node.label: node.kind for node in graph(prod).nodes}
    assert nodes["qm-service"] == flows.CALLER
    assert nodes["cdr-writer"] == flows.FUNCTION


def test_permissions_stand_together_by_statement(prod: StageTemplates) -> None:
    found = {(each.place, each.actions): each for each in permissions(prod)}
    traced = found["functions/Guard/Role", ("xray:PutTelemetryRecords", "xray:PutTraceSegments")]
    assert traced.wildcard
    assert traced.resources == ("*",)
    created = found["functions/Writer/Role", ("dynamodb:PartiQLInsert",)]
    assert (created.sid, created.resources, created.wildcard) == ("OnlyCreate", ("{data/CdrTable.Arn}",), False)
    (kept,) = (each for each in permissions(prod) if each.actions == ("s3:PutObject",))
    assert kept.resources == ("{data/Quarantine.Arn}/cdr-guard/*",)


def test_exceptions_and_policies_from_elsewhere_are_wildcards(tmp_path: Path) -> None:
    system = System("prod")
    functions = system.resources("prod", "functions")
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    functions["WriterRole1"]["Properties"]["ManagedPolicyArns"] = [administrator]
    functions["More1"] = policy(
        "functions/More",
        "WriterRole1",
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "a"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "b"},
    )
    (stage,) = system.read(tmp_path)
    wild = {(each.action, each.resource) for each in grants(stage) if each.wildcard and "Writer" in each.role}
    assert wild == {
        (f"everything in {administrator}", "*"),
        ("all but iam:*", "a"),
        ("s3:GetObject", "all but b"),
    }


def test_a_boundary_is_shown_once_for_all_its_roles(tmp_path: Path) -> None:
    system = System("prod")
    functions = system.resources("prod", "functions")
    functions["Limit1"] = resource(
        "AWS::IAM::ManagedPolicy", "functions/Limit", PolicyDocument={"Statement": [allow("s3:GetObject", "*")]}
    )
    for role in ("WriterRole1", "GuardRole1"):
        functions[role]["Properties"]["PermissionsBoundary"] = {"Ref": "Limit1"}
    (stage,) = system.read(tmp_path)
    (limit,) = (each for each in permissions(stage) if each.through == BOUNDARY)
    assert limit.place == "functions/Guard/Role, functions/Writer/Role"
    assert {each.boundary for each in trusted(stage)} == {"functions/Limit", ""}
    assert not [each for each in findings(stage) if "s3:GetObject" in each.what]


def test_roles_say_who_may_be_them(prod: StageTemplates) -> None:
    found = {each.place: each for each in trusted(prod)}
    assert found["functions/QmService/Role"].assumed_by == ("Service ec2.amazonaws.com",)
    assert found["functions/QmService/Role"].purpose == "For functions/QmService/Role in stage prod."


def test_a_table_that_cannot_be_recovered_is_found(tmp_path: Path) -> None:
    system = System("prod")
    del system.resources("prod", "data")["Cdr1"]["Properties"]["PointInTimeRecoverySpecification"]
    (stage,) = system.read(tmp_path)
    assert [each.place for each in findings(stage) if each.rule is Rule.UNRECOVERABLE] == ["data/CdrTable"]


def test_rows_of_stages_that_say_the_same_stand_once(tmp_path: Path) -> None:
    system = System()
    system.resources("dev", "functions")["Logs1"]["Properties"]["RetentionInDays"] = 7
    stages = system.read(tmp_path)
    shared = merged(stages, protections)
    logs = [(each.row.kept, each.stages) for each in shared if each.row.place == "functions/Writer/LogGroup"]
    assert logs == [("7 days", ("dev",)), ("365 days", ("prod",))]
    assert {each.stages for each in merged(stages, trusted)} == {("dev", "prod")}
    assert {each.stages for each in shared if each.row.place != "functions/Writer/LogGroup"} == {("dev", "prod")}
    places = [each.row.place for each in shared]
    assert places == sorted(places, key=places.index)


def test_what_differs_between_stages_is_listed_and_nothing_else(tmp_path: Path) -> None:
    system = System("dev", "prod")
    dev = system.resources("dev", "data")
    dev["Cdr1"].pop("DeletionPolicy")
    dev["Cdr1"]["Properties"]["BillingMode"] = "PROVISIONED"
    dev["Only1"] = resource("AWS::S3::Bucket", "data/Only")
    found = {(each.type, each.property): each for each in differences(comparable(system.read(tmp_path)))}
    assert {key: each.values for key, each in found.items()} == {
        ("DynamoDB Table", "BillingMode"): ("PROVISIONED", "PAY_PER_REQUEST"),
        ("DynamoDB Table", "outlives its stack"): ("no", "yes"),
        ("S3 Bucket", ""): ("yes", ABSENT),
    }
    assert found["S3 Bucket", ""].places == ("data/Only",)


def test_a_stage_that_shares_nothing_is_not_compared(tmp_path: Path) -> None:
    system = System("dev", "prod", "other")
    for stack in ("data", "functions", "observability"):
        resources = system.resources("other", stack)
        resources.clear()
    assert [stage.name for stage in comparable(system.read(tmp_path))] == ["dev", "prod"]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_system_that_is_the_same_everywhere_has_no_differences(tmp_path: Path, stage: str) -> None:
    stages = System().read(tmp_path)
    assert stage in {each.name for each in comparable(stages)}
    assert differences(comparable(stages)) == ()
