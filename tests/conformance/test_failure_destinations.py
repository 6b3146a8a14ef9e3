from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import allow, eventually, fresh, function, invoke

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

SOURCE = 'def handle(event, context):\n    raise ValueError("no")\n'
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def failing_function(cloud: LocalCloud, bucket: str, *statements: dict[str, Any]) -> str:
    """A function that fails at once, whose failures go to `bucket` after one retry."""
    cloud.client("s3").create_bucket(Bucket=bucket)
    name = function(cloud, SOURCE, *statements)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    return name


def keys_in(cloud: LocalCloud, bucket: str) -> list[str]:
    return [found["Key"] for found in cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def attempts(cloud: LocalCloud, name: str, wanted: int) -> int:
    """How often the function ran, once it ran `wanted` times."""
    logs = cloud.client("logs")

    def count() -> int | None:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="REPORT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return len(events) if len(events) >= wanted else None

    return eventually(count)


def test_the_record_of_a_failure_is_written_as_documented(corrected: LocalCloud) -> None:
    bucket = fresh("failures")
    name = failing_function(corrected, bucket, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    assert invoke(corrected, name, {"n": 1}, InvocationType="Event")["StatusCode"] == 202

    key = eventually(lambda: next(iter(keys_in(corrected, bucket)), None))
    day = r"\d{4}/\d{2}/\d{2}/\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}"
    assert re.fullmatch(rf"aws/lambda/async/{name}/{day}-{UUID}", key)
    record = json.loads(corrected.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert record["version"] == "1.0"
    assert record["requestPayload"] == {"n": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert len(keys_in(corrected, bucket)) == 1


def test_a_role_that_may_not_write_leaves_no_record(corrected: LocalCloud) -> None:
    bucket = fresh("failures")
    name = failing_function(corrected, bucket)
    invoke(corrected, name, {}, InvocationType="Event")
    refused = f"The failure record of {name} could not be written"
    assert eventually(lambda: refused in corrected.log_tail() or None)
    assert keys_in(corrected, bucket) == []


def test_as_it_comes_the_record_is_dropped(as_it_comes: LocalCloud) -> None:
    bucket = fresh("failures")
    name = failing_function(as_it_comes, bucket, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    invoke(as_it_comes, name, {}, InvocationType="Event")
    assert attempts(as_it_comes, name, wanted=2) == 2
    assert eventually(lambda: "DLQ target not in function scope" in as_it_comes.log_tail() or None)
    assert keys_in(as_it_comes, bucket) == []
