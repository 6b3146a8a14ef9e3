from __future__ import annotations

import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import allow, code_of, eventually, fresh, role, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def exported(cloud: LocalCloud, items: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A bucket with the export of a new table of these items, and the export's description."""
    name, client, bucket = table(cloud), cloud.client("dynamodb"), fresh("exports")
    cloud.client("s3").create_bucket(Bucket=bucket)
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for item in items:
        client.put_item(TableName=name, Item=item)
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    request = {"TableArn": arn, "S3Bucket": bucket, "S3Prefix": "exports/run", "ClientToken": fresh("token")}
    first = client.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"]
    assert client.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"] == first
    client.put_item(TableName=name, Item={"pk": {"S": "after"}, "sk": {"S": "the export"}})

    def completed() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_export(ExportArn=first)["ExportDescription"]
        return found if found["ExportStatus"] == "COMPLETED" else None

    return bucket, eventually(completed)


def test_an_export_is_found_by_its_manifest_and_holds_every_item(
    corrected: LocalCloud, as_it_comes: LocalCloud
) -> None:
    items = [{"pk": {"S": f"p{n % 7}"}, "sk": {"S": f"{n:03}"}, "n": {"N": str(n)}} for n in range(50)]
    bucket, description = exported(corrected, items)

    def text(key: str) -> str:
        body: bytes = corrected.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return (gzip.decompress(body) if key.endswith(".gz") else body).decode()

    assert description["ItemCount"] == 50
    summary = json.loads(text(description["ExportManifest"]))
    assert (summary["itemCount"], summary["outputFormat"]) == (50, "DYNAMODB_JSON")
    files = [json.loads(line) for line in text(summary["manifestFilesS3Key"]).splitlines()]
    assert len(files) > 1
    found = [json.loads(line)["Item"] for file in files for line in text(file["dataFileS3Key"]).splitlines()]
    assert sum(file["itemCount"] for file in files) == len(found)
    assert sorted(found, key=lambda item: str(item["sk"]["S"])) == items

    bucket, description = exported(as_it_comes, items)
    s3 = as_it_comes.client("s3")
    assert code_of(lambda: s3.get_object(Bucket=bucket, Key=description["ExportManifest"])) == "NoSuchKey"


def test_an_export_is_authorised_on_its_table(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    def decisions(cloud: LocalCloud) -> list[str]:
        dynamodb = cloud.client("dynamodb")
        own, other = (dynamodb.describe_table(TableName=table(cloud))["Table"]["TableArn"] for _ in range(2))
        allowed = role(cloud, allow("dynamodb:ExportTableToPointInTime", own))
        client = cloud.client("dynamodb", cloud.assume(allowed, session_name="exports"))
        calls = (partial(client.export_table_to_point_in_time, TableArn=arn, S3Bucket="none") for arn in (own, other))
        return [code_of(call) for call in calls]

    own, other = decisions(corrected)
    assert (own, other) == ("PointInTimeRecoveryUnavailableException", "AccessDeniedException")
    assert decisions(as_it_comes)[0] == "AccessDeniedException"


def test_an_export_needs_recovery(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    def refusal(cloud: LocalCloud) -> str:
        client, bucket = cloud.client("dynamodb"), fresh("exports")
        cloud.client("s3").create_bucket(Bucket=bucket)
        arn = client.describe_table(TableName=table(cloud))["Table"]["TableArn"]
        return code_of(lambda: client.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket))

    assert refusal(corrected) == "PointInTimeRecoveryUnavailableException"
    assert refusal(as_it_comes) == "allowed"
