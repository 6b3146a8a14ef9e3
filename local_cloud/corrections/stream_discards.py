"""What a stream mapping gives up is told to its on-failure destination, with the function's own permissions.

Wrong: records of a batch given up are sent to queues and topics without any permission, always claim one invocation,
and are not sent to S3 at all.

AWS: queues and topics are given the positions of the records, S3 the records as well (`payload`), under
`aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`. The execution role needs `sqs:SendMessage`,
`sns:Publish`, or `s3:PutObject` and `s3:ListBucket`; where it is missing, nothing arrives and only a metric shows it.
Source: Lambda developer guide, "Retain discarded records for a DynamoDB event source in Lambda". The guide names no
condition for age; `RecordAgeExceeded` is what users find in their records.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_account_id, new_uuid
from ministack.services import dynamodb_streams

from local_cloud.corrections.failure_destinations import BUCKET_ARN, as_function, endpoint_url, timestamp
from local_cloud.corrections.stream_batches import sequence_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.corrections.stream_batches import Batch, Record

RETRIES_EXHAUSTED: Final = "RetryAttemptsExhausted"
TOO_OLD: Final = "RecordAgeExceeded"
_LOG: Final = logging.getLogger(__name__)


def tell(
    mapping: Mapping[str, Any], function: Mapping[str, Any], batch: Batch, condition: str, result: Mapping[str, Any]
) -> None:
    """Send the record of a batch given up to the mapping's destination, if it has one.

    `result` is that of the last invocation; it is not told of records that were never delivered.
    """
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not destination:
        return
    config = function["config"]
    record = _record(mapping, config, batch, condition, result)
    try:
        if destination.startswith(BUCKET_ARN):
            record["payload"] = {"Records": batch.records}
            _put(destination.removeprefix(BUCKET_ARN), mapping["UUID"], config, record)
        elif destination.startswith("arn:aws:sqs:"):
            queue_url = f"{endpoint_url()}/{get_account_id()}/{destination.rpartition(':')[2]}"
            as_function("sqs", config).send_message(QueueUrl=queue_url, MessageBody=json.dumps(record))
        else:
            as_function("sns", config).publish(TopicArn=destination, Message=json.dumps(record))
    except (BotoCoreError, ClientError):
        _LOG.exception("The failure record of %s could not be written to its destination", mapping["FunctionName"])


def _put(bucket: str, mapping_id: str, config: dict[str, Any], record: dict[str, Any]) -> None:
    name = f"{datetime.now(UTC):%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{new_uuid()}"
    key = f"aws/lambda/{mapping_id}/{dynamodb_streams._DEFAULT_SHARD_ID}/{name}"
    body = json.dumps(record).encode()
    as_function("s3", config).put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _record(
    mapping: Mapping[str, Any], config: Mapping[str, Any], batch: Batch, condition: str, result: Mapping[str, Any]
) -> dict[str, Any]:
    first, last = batch.records[0], batch.records[-1]
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": timestamp(datetime.now(UTC)),
        "requestContext": {
            "requestId": new_uuid(),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        },
        "DDBStreamBatchInfo": {
            "shardId": dynamodb_streams._DEFAULT_SHARD_ID,
            "startSequenceNumber": sequence_number(first),
            "endSequenceNumber": sequence_number(last),
            "approximateArrivalOfFirstRecord": _arrival(first),
            "approximateArrivalOfLastRecord": _arrival(last),
            "batchSize": len(batch.records),
            "streamArn": mapping["EventSourceArn"],
        },
    }
    if batch.invocations:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": config.get("Version", "$LATEST"),
            "functionError": "Unhandled" if result.get("error") else None,
        }
    return record


def _arrival(record: Record) -> str:
    return f"{datetime.fromtimestamp(record['dynamodb']['ApproximateCreationDateTime'], UTC):%Y-%m-%dT%H:%M:%SZ}"
