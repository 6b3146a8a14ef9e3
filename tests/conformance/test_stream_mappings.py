from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance import stream_function
from tests.conformance.scenarios import allow, eventually, fresh, function, table
from tests.conformance.stream_function import END
from tests.models.poller import Clock, EventSourceMapping

if TYPE_CHECKING:
    import random

    from local_cloud.cloud import LocalCloud
    from tests.conformance.stream_function import Script

REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECTS = {"BisectBatchOnFunctionError": True}
FIVE = ["1", "2", "3", "4", "5"]
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

SCRIPTS: dict[str, tuple[Script, dict[str, Any]]] = {
    "a failure in the middle": ({"at": {"0": ["4", "3"]}}, REPORTS),
    "a failure in the middle, cut there": ({"at": {"0": ["3"], "1": ["3"]}}, REPORTS | BISECTS),
    "reports that the mapping does not read": ({"reports": ["3"]}, {}),
    "a whole failure": ({"raises": ["3"]}, {"MaximumRetryAttempts": 1}),
    "a whole failure, cut": ({"raises": ["3"]}, BISECTS | {"MaximumRetryAttempts": 1}),
    "an error that goes away": ({"at": {"0": "raise", "1": "raise"}}, {}),
    "reported until the retries are exhausted": ({"reports": ["3"]}, REPORTS | {"MaximumRetryAttempts": 2}),
    "no retries": ({"reports": ["2"]}, REPORTS | {"MaximumRetryAttempts": 0, "BatchSize": 2}),
    "identifiers that say nothing": (
        {"at": {"0": ["unknown"], "1": [""], "2": [None], "3": ["4", "unknown"]}},
        REPORTS,
    ),
    "poison and transient failures": (
        {"reports": ["2"], "at": {"1": "raise", "4": ["5"], "6": "raise"}},
        REPORTS | BISECTS | {"MaximumRetryAttempts": 2, "BatchSize": 4},
    ),
}


@dataclass
class Followed:
    """A table, and a function that follows its stream and sends what is given up to a bucket."""

    cloud: LocalCloud
    table: str
    bucket: str
    notes: Path
    mapping: str

    @cached_property
    def dynamodb(self) -> Any:
        return self.cloud.client("dynamodb")

    def put(self, *names: str, pk: str = "p") -> None:
        for name in names:
            self.dynamodb.put_item(TableName=self.table, Item={"pk": {"S": pk}, "sk": {"S": name}})

    def invocations(self, at_least: int = 1) -> list[list[str]]:
        """The records of each invocation so far, once there are that many."""

        def read() -> list[list[str]] | None:
            lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
            return [json.loads(line) for line in lines] if len(lines) >= at_least else None

        return eventually(read)

    def to_the_end(self) -> list[list[str]]:
        """The records of each invocation, up to a record that is put now and comes last."""
        self.put(END)
        found = eventually(lambda: found if END in (found := self.invocations())[-1] else None)
        assert found.pop() == [END]
        return found

    def discarded(self) -> list[tuple[str, dict[str, Any]]]:
        """The objects of the bucket by their keys, in the order in which their records were written."""
        s3 = self.cloud.client("s3")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
        objects = [(key, json.load(s3.get_object(Bucket=self.bucket, Key=key)["Body"])) for key in keys]
        return sorted(objects, key=lambda pair: pair[1]["DDBStreamBatchInfo"]["startSequenceNumber"])

    def update(self, **settings: Any) -> None:
        self.cloud.client("lambda").update_event_source_mapping(UUID=self.mapping, **settings)


def on_failure(arn: str) -> dict[str, Any]:
    """The setting of a mapping that sends what is given up to `arn`."""
    return {"DestinationConfig": {"OnFailure": {"Destination": arn}}}


def follow(cloud: LocalCloud, folder: Path, script: Script, *names: str, **settings: Any) -> Followed:
    """A stream that already holds records of these names, followed from its beginning with these settings."""
    name = table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    bucket, notes = fresh("given-up"), folder / fresh("notes")
    followed = Followed(cloud, name, bucket, notes, "")
    cloud.client("s3").create_bucket(Bucket=bucket)
    followed.put(*names)
    stream = followed.dynamodb.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    follower = function(
        cloud,
        Path(stream_function.__file__).read_text(encoding="utf-8"),
        allow(["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"], stream),
        allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"),
        allow("sqs:SendMessage", "*"),
        Environment={"Variables": {"NOTES": str(notes), "SCRIPT": json.dumps(script)}},
    )
    mapping = cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=follower,
        StartingPosition="TRIM_HORIZON",
        **{"BatchSize": 5, **on_failure(f"arn:aws:s3:::{bucket}"), **settings},
    )
    followed.mapping = mapping["UUID"]
    return followed


def modelled(
    script: Script, settings: dict[str, Any], *names: str
) -> tuple[list[list[str]], list[tuple[str, list[str]]]]:
    """What the documented rules make of a script: the records of each invocation, and of each batch given up."""
    invocations: list[list[str]] = []

    def answer(event: dict[str, Any]) -> object:
        invocations.append(stream_function.names(event["Records"]))
        return stream_function.answer(script, event["Records"], len(invocations) - 1)

    mapping = EventSourceMapping(
        answer,
        Clock(),
        batch_size=settings.get("BatchSize", 5),
        maximum_retry_attempts=settings.get("MaximumRetryAttempts", -1),
        bisect_on_error="BisectBatchOnFunctionError" in settings,
        report_failures="FunctionResponseTypes" in settings,
    )
    mapping.deliver(
        [
            {
                "dynamodb": {
                    "Keys": {"sk": {"S": name}},
                    "SequenceNumber": f"{place:03}",
                    "ApproximateCreationDateTime": 0,
                }
            }
            for place, name in enumerate(names)
        ]
    )
    return invocations, [(found.condition, stream_function.names(found.records)) for found in mapping.discarded]


def assert_as_modelled(cloud: LocalCloud, folder: Path, script: Script, settings: dict[str, Any], *names: str) -> None:
    invocations, discarded = modelled(script, settings, *names)
    followed = follow(cloud, folder, script, *names, **settings)
    followed.invocations(at_least=len(invocations))
    assert followed.to_the_end() == invocations
    assert [
        (document["requestContext"]["condition"], stream_function.names(document["payload"]["Records"]))
        for _, document in followed.discarded()
    ] == discarded


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_happens_is_what_the_model_of_the_documented_rules_says(
    corrected: LocalCloud, tmp_path: Path, name: str
) -> None:
    assert_as_modelled(corrected, tmp_path, *SCRIPTS[name], *FIVE)


@pytest.mark.parametrize("settings", [{}, BISECTS], ids=["whole", "cut"])
def test_so_it_is_whatever_the_function_does(
    corrected: LocalCloud, tmp_path: Path, rng: random.Random, settings: dict[str, Any]
) -> None:
    script = {"seed": rng.randrange(1_000_000)}
    names = [f"{number:02}" for number in range(12)]
    settings = REPORTS | settings | {"MaximumRetryAttempts": 2, "BatchSize": 7}
    assert_as_modelled(corrected, tmp_path, script, settings, *names)


def test_as_it_comes_what_a_function_reports_as_failed_is_lost(as_it_comes: LocalCloud, tmp_path: Path) -> None:
    script, settings = SCRIPTS["a failure in the middle"]
    assert follow(as_it_comes, tmp_path, script, *FIVE, **settings).to_the_end() == [FIVE]


def test_as_it_comes_a_failed_batch_is_neither_cut_nor_given_up(as_it_comes: LocalCloud, tmp_path: Path) -> None:
    settings = BISECTS | {"MaximumRetryAttempts": 0}
    followed = follow(as_it_comes, tmp_path, {"raises": ["3"]}, *FIVE, **settings)
    assert followed.invocations(at_least=2)[:2] == [FIVE, FIVE]
    assert followed.discarded() == []
    followed.update(Enabled=False)


def test_what_is_given_up_is_kept_with_its_payload(corrected: LocalCloud, tmp_path: Path) -> None:
    settings = REPORTS | {"MaximumRetryAttempts": 1}
    followed = follow(corrected, tmp_path, {"reports": ["3"]}, *FIVE, **settings)
    followed.invocations(at_least=2)
    followed.to_the_end()
    [(key, document)] = followed.discarded()
    shard = r"shardId-\d{20}-[0-9a-f]{8}"
    day = r"\d{4}/\d{2}/\d{2}/\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}"
    assert re.fullmatch(rf"aws/lambda/{followed.mapping}/{shard}/{day}-{UUID}", key)
    assert document["version"] == "1.0"
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"]["functionError"] is None
    records = document["payload"]["Records"]
    assert [record["dynamodb"]["NewImage"]["sk"]["S"] for record in records] == ["3", "4", "5"]
    info = document["DDBStreamBatchInfo"]
    assert info["batchSize"] == 3
    assert info["startSequenceNumber"] == records[0]["dynamodb"]["SequenceNumber"]
    assert info["endSequenceNumber"] == records[-1]["dynamodb"]["SequenceNumber"]
    assert info["streamArn"] == records[0]["eventSourceARN"]


def test_a_queue_is_told_the_positions_only(corrected: LocalCloud, tmp_path: Path) -> None:
    sqs = corrected.client("sqs")
    url = sqs.create_queue(QueueName=fresh("given-up"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    follow(corrected, tmp_path, {"raises": ["1"]}, "1", **on_failure(arn), MaximumRetryAttempts=0)
    document = json.loads(eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]["Body"])
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert "payload" not in document


def test_a_destination_without_permission_does_not_hold_up_the_stream(corrected: LocalCloud, tmp_path: Path) -> None:
    other = fresh("not-allowed")
    corrected.client("s3").create_bucket(Bucket=other)
    settings = on_failure(f"arn:aws:s3:::{other}") | {"MaximumRetryAttempts": 0}
    followed = follow(corrected, tmp_path, {"raises": ["1"]}, "1", **settings)
    followed.invocations()
    assert followed.to_the_end() == [["1"]]
    assert "Contents" not in corrected.client("s3").list_objects_v2(Bucket=other)


def test_records_that_grew_too_old_are_given_up(corrected: LocalCloud, tmp_path: Path) -> None:
    followed = follow(corrected, tmp_path, {"raises": ["1"]}, "1", "2")
    followed.invocations(at_least=2)
    time.sleep(1)  # now both are older
    followed.update(MaximumRecordAgeInSeconds=1)
    [(_, document)] = eventually(lambda: followed.discarded() or None)
    followed.update(MaximumRecordAgeInSeconds=-1)
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert stream_function.names(document["payload"]["Records"]) == ["1", "2"]
    assert document["requestContext"]["approximateInvokeCount"] == len(followed.to_the_end())


def test_records_that_were_too_old_from_the_first_were_never_delivered(corrected: LocalCloud, tmp_path: Path) -> None:
    followed = follow(corrected, tmp_path, {}, "1", Enabled=False, MaximumRecordAgeInSeconds=1)
    time.sleep(2)  # the age of a record is its time on the wall
    followed.update(Enabled=True)
    [(_, document)] = eventually(lambda: followed.discarded() or None)
    assert document["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in document
    assert not followed.notes.exists()


def test_a_failure_without_limits_holds_up_the_stream_and_a_mapping_goes_on_where_it_was_stopped(
    corrected: LocalCloud, tmp_path: Path
) -> None:
    followed = follow(corrected, tmp_path, {"reports": ["3"]}, *FIVE, **REPORTS)
    followed.put("6")
    followed.invocations(at_least=2)
    followed.update(Enabled=False)
    stopped = len(followed.invocations())
    other = follow(corrected, tmp_path, {"at": {str(number): ["1"] for number in range(4)}}, "1", **REPORTS)
    other.invocations(at_least=5)  # in this time, the first mapping would have tried more than once again
    assert len(followed.invocations()) <= stopped + 1  # one may have been under way
    followed.update(Enabled=True)
    first, *later = followed.invocations(at_least=stopped + 2)
    assert first == FIVE
    assert [given[0] for given in later] == ["3"] * len(later)
    assert later[-1] == ["3", "4", "5", "6"]
    corrected.client("lambda").delete_event_source_mapping(UUID=followed.mapping)
    assert followed.discarded() == []


def test_what_a_filter_leaves_out_costs_no_invocation_and_fills_no_batch(corrected: LocalCloud, tmp_path: Path) -> None:
    pattern = json.dumps({"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "kept"}, END]}}}})
    settings = {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}, "MaximumBatchingWindowInSeconds": 60}
    names = ["kept-1", "2", "3", "kept-4", "kept-5", "6", "kept-7"]
    followed = follow(corrected, tmp_path, {}, *names, BatchSize=2, **settings)
    followed.invocations(at_least=2)
    followed.update(BatchSize=1)
    for start in range(0, 1_200, 25):  # more than is read at once
        items = [{"pk": {"S": "p"}, "sk": {"S": str(number)}} for number in range(start, start + 25)]
        requests = [{"PutRequest": {"Item": item}} for item in items]
        followed.dynamodb.batch_write_item(RequestItems={followed.table: requests})
    assert followed.to_the_end() == [["kept-1", "kept-4"], ["kept-5", "kept-7"]]


def test_a_batch_waits_to_be_full_or_for_its_window_to_end(corrected: LocalCloud, tmp_path: Path) -> None:
    """The second mapping is no barrier in principle; but a window that is ignored would have to lose a race to it."""
    patient = follow(corrected, tmp_path, {}, "1", "2", BatchSize=3, MaximumBatchingWindowInSeconds=60)
    follow(corrected, tmp_path, {}, "1", "2").invocations()
    patient.put("3")
    assert patient.invocations() == [["1", "2", "3"]]
    hurried = follow(corrected, tmp_path, {}, "1", "2", MaximumBatchingWindowInSeconds=1)
    assert hurried.invocations() == [["1", "2"]]


def test_lanes_hold_up_only_their_own_keys_and_keep_their_order(corrected: LocalCloud, tmp_path: Path) -> None:
    followed = follow(
        corrected, tmp_path, {"reports": ["p1-a"]}, Enabled=False, BatchSize=10, ParallelizationFactor=10, **REPORTS
    )
    for letter in "abc":
        for number in range(8):
            followed.put(f"p{number}-{letter}", pk=f"p{number}")
    followed.update(Enabled=True)

    def arrived() -> list[str] | None:
        names = [name for given in followed.invocations() for name in given]
        return names if sum(name.startswith("p1") for name in names) >= 9 else None

    names = eventually(arrived)
    corrected.client("lambda").delete_event_source_mapping(UUID=followed.mapping)
    others = {name[:2] for name in names} - {"p1"}
    assert len(others) >= 4
    for key in others:
        assert [name for name in names if name.startswith(key)][:3] == [f"{key}-{letter}" for letter in "abc"]
