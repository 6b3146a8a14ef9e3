"""What a change does: everything that is planted is named, and nothing else is."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.review.changes import Change, Kind, Weight, sorted_changes
from cli.review.comparison import compare
from tests.unit.cli.review.system import System, allow, resource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.review.system import Resources

STAGES = ("dev", "prod")


def changed(
    folder: Path, stack: str, change: Callable[[Resources], object], before: System | None = None
) -> list[Change]:
    """What changing a stack of every stage does, but for notes."""
    old = (before or System()).read(folder / "before")
    new = (copy.deepcopy(before) or System()).everywhere(stack, change).read(folder / "after")
    return [each for each in compare(old, new) if each.kind.weight is not Weight.NOTE]


def told(found: list[Change]) -> list[tuple[Kind, str]]:
    return [(each.kind, each.place) for each in found]


def put(path: str, value: Any) -> Callable[[Resources], None]:
    """Set a property, named `LogicalId.Property.Property`."""

    def change(resources: Resources) -> None:
        logical_id, *names, last = path.split(".")
        properties = resources[logical_id]["Properties"]
        for name in names:
            properties = properties[name]
        properties[last] = value

    return change


def drop(logical_id: str) -> Callable[[Resources], None]:
    def change(resources: Resources) -> None:
        del resources[logical_id]

    return change


def rename(old: str, new: str) -> Callable[[Resources], None]:
    def change(resources: Resources) -> None:
        resources[new] = resources.pop(old)

    return change


def test_nothing_changes_nothing(tmp_path: Path) -> None:
    assert compare(System().read(tmp_path / "a"), System().read(tmp_path / "b")) == ()


def test_a_widened_policy(tmp_path: Path) -> None:
    statement = put("WriterPolicy1.PolicyDocument.Statement", [allow("dynamodb:*", "*")])
    found = changed(tmp_path, "functions", statement)
    role = "functions/Writer/Role"
    assert told(found) == [(Kind.PERMISSION_ADDED, role), (Kind.FINDING, role)]
    assert found[0].what == "dynamodb:* on *"
    assert found[0].stages == STAGES


def test_a_replaced_table(tmp_path: Path) -> None:
    found = changed(tmp_path, "data", put("Cdr1.KeySchema", [{"AttributeName": "timestamp", "KeyType": "HASH"}]))
    assert told(found) == [(Kind.REPLACED, "data/CdrTable")]
    assert "KeySchema" in found[0].what
    assert "outside the stack" in found[0].what
    assert found[0].kind.loses_data


def test_a_removed_alarm(tmp_path: Path) -> None:
    found = changed(tmp_path, "observability", drop("WriterErrors1"))
    assert told(found) == [
        (Kind.ALARM_REMOVED, "observability/WriterErrors"),
        (Kind.FINDING, "functions/Writer/Function"),
    ]
    assert "no alarm watches Errors" in found[1].what


def test_a_longer_retry(tmp_path: Path) -> None:
    found = changed(tmp_path, "functions", put("FromStream1.MaximumRecordAgeInSeconds", 43_200))
    assert told(found) == [(Kind.DELIVERY, "functions/FromStream")]
    assert "at most 6 h" in found[0].before
    assert "at most 12 h" in found[0].after


def test_a_new_public_resource(tmp_path: Path) -> None:
    def add(resources: Resources) -> None:
        resources["Open1"] = resource("AWS::Lambda::Url", "functions/Open", AuthType="NONE")

    assert told(changed(tmp_path, "functions", add)) == [(Kind.PUBLIC, "functions/Open")]


@pytest.mark.parametrize(
    ("stack", "change", "loss", "says"),
    [
        ("data", drop("Cdr1"), (Kind.DELETED, "data/CdrTable"), "no longer in the template; the old one stays"),
        ("data", drop("Bucket1"), (Kind.DELETED, "data/Quarantine"), "its data is lost"),
        (
            "data",
            rename("Bucket1", "Bucket2"),
            (Kind.REPLACED, "data/Quarantine"),
            "another logical id; its data is lost",
        ),
        ("data", put("Cdr1.TableName", "new"), (Kind.REPLACED, "data/CdrTable"), "TableName"),
        ("data", put("Cdr1.LocalSecondaryIndexes", []), (Kind.REPLACED, "data/CdrTable"), "LocalSecondaryIndexes"),
        ("data", put("Cdr1.GlobalSecondaryIndexes", []), (Kind.DELETED, "data/CdrTable"), "index by_sponsor"),
        (
            "data",
            put("Cdr1.AttributeDefinitions", [{"AttributeName": "sk", "AttributeType": "N"}]),
            (Kind.REPLACED, "data/CdrTable"),
            "type of sk",
        ),
        ("data", put("Bucket1.BucketName", "new"), (Kind.REPLACED, "data/Quarantine"), "BucketName"),
        ("data", put("Key1.KeySpec", "RSA_2048"), (Kind.REPLACED, "data/Key"), "KeySpec"),
        ("functions", put("Queue1.QueueName", "new"), (Kind.REPLACED, "functions/Ingest/Queue"), "QueueName"),
        ("functions", put("Dead1.FifoQueue", True), (Kind.REPLACED, "functions/Ingest/DeadLetters"), "FifoQueue"),
        ("functions", put("Logs1.LogGroupName", "x"), (Kind.REPLACED, "functions/Writer/LogGroup"), "LogGroupName"),
    ],
)
def test_whatever_loses_data_comes_first(
    tmp_path: Path, stack: str, change: Callable[[Resources], None], loss: tuple[Kind, str], says: str
) -> None:
    first = changed(tmp_path, stack, change)[0]
    assert (first.kind, first.place, first.stages) == (*loss, STAGES)
    assert says in first.what


@pytest.mark.parametrize(
    ("stack", "change", "kind", "says"),
    [
        ("functions", put("Logs1.RetentionInDays", 7), Kind.KEPT, ("kept", "365 days", "7 days")),
        ("data", put("Cdr1.DeletionProtectionEnabled", False), Kind.KEPT, ("protected", "from deletion", "nothing")),
        ("functions", put("Queue1.VisibilityTimeout", 60), Kind.DELIVERY, ("retries", "360 s", "60 s")),
        ("functions", put("FromQueue1.BatchSize", 10), Kind.DELIVERY, ("batch", "100", "10")),
        ("observability", put("WriterErrors1.Threshold", 9), Kind.ALARM_CHANGED, ("Threshold", "1", "9")),
        (
            "data",
            put("Key1.KeyPolicy.Statement", [allow("kms:Encrypt", "*", Principal={"AWS": "root"})]),
            Kind.POLICY,
            ("KeyPolicy.Statement[0].Action", "kms:Decrypt", "kms:Encrypt"),
        ),
        (
            "functions",
            put("ServiceRole1.AssumeRolePolicyDocument.Statement", [allow("x", "*", Principal={"AWS": "root"})]),
            Kind.TRUST,
            ("assumed by", "Service ec2.amazonaws.com", "AWS root"),
        ),
    ],
)
def test_what_is_not_as_it_was_is_shown_with_both(
    tmp_path: Path, stack: str, change: Callable[[Resources], None], kind: Kind, says: tuple[str, str, str]
) -> None:
    (found, *_) = (each for each in changed(tmp_path, stack, change) if each.kind is kind)
    assert found.what == says[0]
    assert says[1] in found.before
    assert says[2] in found.after


def test_steps_that_are_tried_more_often_are_named(tmp_path: Path) -> None:
    definition = '{"States": {"Work": {"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 60}]}}}'
    found = changed(tmp_path, "functions", put("Machine1.DefinitionString", definition))
    after, retries = found
    assert (retries.kind, retries.place, retries.what) == (Kind.DELIVERY, "functions/Machine: Work", "retries")
    assert "6 times, after 2 s" in retries.before
    assert "60 times" in retries.after
    assert after.after == "nothing"


def test_without_a_denial_more_is_allowed(tmp_path: Path) -> None:
    denied = {**allow("s3:DeleteObject", "*"), "Effect": "Deny"}
    before = System().everywhere("functions", put("GuardPolicy1.PolicyDocument.Statement", [denied]))
    found = changed(tmp_path, "functions", put("GuardPolicy1.PolicyDocument.Statement", []), before)
    assert [(each.kind, each.what) for each in found] == [
        (Kind.PERMISSION_ADDED, "the denial of s3:DeleteObject on * is gone")
    ]


def test_less_worrying_changes_are_notes(tmp_path: Path) -> None:
    def change(resources: Resources) -> None:
        put("Writer1.Code.S3Key", "bbbb.zip")(resources)
        put("Writer1.MemorySize", 512)(resources)
        put("GuardPolicy1.PolicyDocument.Statement", [])(resources)
        resources["New1"] = resource("AWS::SSM::Parameter", "functions/New", Description="Where it is.")

    old, new = System().read(tmp_path / "a"), System().everywhere("functions", change).read(tmp_path / "b")
    found = compare(old, new)
    assert {each.kind.weight for each in found} == {Weight.NOTE}
    assert {(each.kind, each.place, each.what) for each in found} >= {
        (Kind.CODE, "functions/Writer/Function", "Lambda Function"),
        (Kind.CHANGED, "functions/Writer/Function", "MemorySize"),
        (Kind.ADDED, "functions/New", "SSM Parameter: Where it is."),
        (Kind.RESOLVED, "functions/Guard/Role", "a wildcard: xray:PutTraceSegments on *"),
    }
    removed = [each for each in found if each.kind is Kind.PERMISSION_REMOVED]
    assert {each.what.partition(" on ")[0] for each in removed} == {
        "s3:PutObject",
        "xray:PutTelemetryRecords, xray:PutTraceSegments",
    }


def test_a_stage_that_is_new_is_one_line_and_its_findings(tmp_path: Path) -> None:
    found = compare(System("dev").read(tmp_path / "a"), System("dev", "prod").read(tmp_path / "b"))
    assert {each.stages for each in found} == {("prod",)}
    assert [each.place for each in found if each.kind is Kind.ADDED] == ["stage prod"]
    assert {each.kind for each in found} == {Kind.ADDED, Kind.FINDING}


def test_a_stage_that_is_gone_loses_everything(tmp_path: Path) -> None:
    found = compare(System("dev", "prod").read(tmp_path / "a"), System("dev").read(tmp_path / "b"))
    lost = {each.place for each in found if each.kind is Kind.DELETED}
    assert lost >= {"data/CdrTable", "data/Key", "data/Quarantine", "functions/Ingest/Queue"}


def test_a_change_of_one_stage_names_that_stage(tmp_path: Path) -> None:
    after = System()
    put("Logs1.RetentionInDays", 7)(after.resources("dev", "functions"))
    found = compare(System().read(tmp_path / "a"), after.read(tmp_path / "b"))
    assert {(each.kind, each.stages) for each in found} == {(Kind.KEPT, ("dev",)), (Kind.CHANGED, ("dev",))}


CHANGES = st.builds(
    Change,
    st.sampled_from(Kind),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
    stages=st.sampled_from([("dev",), ("prod",)]),
)


@given(st.lists(CHANGES, max_size=12), st.randoms(use_true_random=False))
def test_the_worst_comes_first_and_nothing_is_said_twice(found: list[Change], random: Any) -> None:
    shown = sorted_changes(found)
    weights = [list(Weight).index(each.kind.weight) for each in shown]
    assert weights == sorted(weights)
    said = [(each.kind, each.place, each.what) for each in shown]
    assert len(said) == len(set(said))
    assert {(*what, stage) for each, what in zip(shown, said, strict=True) for stage in each.stages} == {
        (each.kind, each.place, each.what, *each.stages) for each in found
    }
    shuffled = list(found)
    random.shuffle(shuffled)
    assert [(e.kind, e.place, e.what, set(e.stages)) for e in sorted_changes(shuffled)] == [
        (e.kind, e.place, e.what, set(e.stages)) for e in shown
    ]
