"""An export of a table to S3 is written.

Wrong: an export completes, names a manifest that was never written, counts partitions instead of items, and needs no
point-in-time recovery. Requests that name a table or an export by its ARN are asked of policies as if of everything.

AWS: below `<prefix>/AWSDynamoDB/<export id>/` there are `manifest-summary.json`, `manifest-files.json` with one line
for each data file, and `data/*.json.gz` with an item on each line as `{"Item": {…}}`, in no order; at least one file
for each partition of the table. Without point-in-time recovery the request is refused.
Source: DynamoDB developer guide, "DynamoDB table export output format" and "Requesting a table export in DynamoDB".

`ExportTableToPointInTime` is authorised on the table, and `DescribeExport` on the export.
Source: Service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB".

It is written when it is asked for, whatever moment was asked for, and nobody's permission to write to the bucket is
checked.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any, Final

from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import dynamodb, s3

from local_cloud.corrections import _seam

_FILES: Final = 3
"""More than one, so that whoever reads an export has to follow its manifest."""
_NO_RECOVERY: Final = "PointInTimeRecoveryUnavailableException"


def apply() -> None:
    """Write the export's objects before the request is answered, and describe them."""
    export = _seam.original(dynamodb, "_export_table_to_point_in_time", "data")
    describe = _seam.original(dynamodb, "_describe_export", "data")
    name_of = _seam.original(dynamodb, "_table_name_from_arn", "arn")
    _seam.original(s3, "_put_object", "bucket_name", "key", "body", "headers")
    resources_of = _seam.original(iam_actions, "dynamodb_resource_arns", "body", "region", "account_id")
    counts: dict[str, int] = {}

    def export_table(data: dict[str, Any]) -> Any:
        table = name_of(data.get("TableArn") or "")
        if table in dynamodb._tables and not dynamodb._pitr_settings.get(table):
            message = f"Point in time recovery is not enabled for table '{table}'"
            return error_response_json(_NO_RECOVERY, message, 400)
        known = set(dynamodb._exports.keys())
        status, headers, body = export(data)
        if status == 200:  # noqa: PLR2004 - HTTP's OK
            description = json.loads(body)["ExportDescription"]
            if description["ExportArn"] not in known:
                counts[description["ExportArn"]] = _write(description, dynamodb._tables[table]["items"])
        return status, headers, body

    def describe_export(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        answer = json.loads(body)
        description = answer.get("ExportDescription", {})
        if description.get("ExportStatus") != "COMPLETED":
            return status, headers, body
        described = {"ItemCount": counts[description["ExportArn"]], "ExportManifest": _manifest(description)}
        return status, headers, json.dumps({"ExportDescription": description | described}).encode()

    def dynamodb_resource_arns(body: bytes, region: str, account_id: str) -> list[str]:
        found: list[str] = resources_of(body, region, account_id)
        return found or _named(body)

    dynamodb._export_table_to_point_in_time = export_table
    dynamodb._describe_export = describe_export
    iam_actions.dynamodb_resource_arns = dynamodb_resource_arns


def _named(body: bytes) -> list[str]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    named = [request.get(name) for name in ("ExportArn", "TableArn")] if isinstance(request, dict) else []
    return [arn for arn in named if isinstance(arn, str)][:1]


def _folder(description: dict[str, Any]) -> str:
    prefix = description.get("S3Prefix", "").strip("/")
    return f"{prefix}/AWSDynamoDB/{_id(description)}".lstrip("/")


def _id(description: dict[str, Any]) -> str:
    return str(description["ExportArn"]).rsplit("/", 1)[-1]


def _manifest(description: dict[str, Any]) -> str:
    return f"{_folder(description)}/manifest-summary.json"


def _write(description: dict[str, Any], items: dict[Any, dict[Any, Any]]) -> int:
    files: list[list[str]] = [[] for _ in range(_FILES)]
    for position, partition in enumerate(list(items.values())):
        files[position % _FILES] += [json.dumps({"Item": item}) for item in list(partition.values())]
    bucket, folder = description["S3Bucket"], _folder(description)
    listed = []
    for number, lines in enumerate(files):
        digest = hashlib.sha256(f"{_id(description)}/{number}".encode()).digest()
        key = f"{folder}/data/{base64.b32encode(digest)[:26].decode().lower()}.json.gz"
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        _put(bucket, key, body)
        listed.append({"itemCount": len(lines), "md5Checksum": md5, "etag": "", "dataFileS3Key": key})
    count = sum(map(len, files))
    summary = {
        "version": "2020-06-30",
        "exportArn": description["ExportArn"],
        "tableArn": description["TableArn"],
        "tableId": description["TableId"],
        "s3Bucket": bucket,
        "s3Prefix": description.get("S3Prefix"),
        "manifestFilesS3Key": f"{folder}/manifest-files.json",
        "itemCount": count,
        "outputFormat": description["ExportFormat"],
        "exportType": description["ExportType"],
    }
    _put(bucket, f"{folder}/manifest-files.json", "".join(f"{json.dumps(line)}\n" for line in listed).encode())
    _put(bucket, _manifest(description), json.dumps(summary).encode())
    return count


def _put(bucket: str, key: str, body: bytes) -> None:
    answer = s3._put_object(bucket, key, body, {})
    if answer[0] != 200:  # noqa: PLR2004 - HTTP's OK
        raise ValueError(f"S3 answered {answer[0]} to an object of an export")
