"""The S3 destination of a failed asynchronous invocation is written, with the function's own permissions.

Wrong: an S3 destination is accepted and then dropped, so the payload of a failed invocation is lost in silence; records
for other destinations always claim three attempts.

AWS: the record is written to `aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>` with the execution
role, which needs `s3:PutObject` (and `s3:ListBucket`); where it is missing, nothing arrives and only a metric shows it.
Source: Lambda developer guide, "Capturing records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core import lambda_runtime
from ministack.core.responses import get_region, new_uuid
from ministack.services import lambda_svc

from local_cloud.corrections import _seam

BUCKET_ARN: Final = "arn:aws:s3:::"
_DEFAULT_RETRIES: Final = 2
_LOG: Final = logging.getLogger(__name__)


def apply() -> None:
    """Write S3 destinations; every other destination stays with the emulator."""
    route = _seam.original(lambda_svc, "_route_async_failure", "target_arn", "func_name", "event", "result")
    _seam.original(lambda_runtime, "execution_credentials", "config")

    def route_async_failure(target_arn: str, func_name: str, event: Any, result: dict[str, Any]) -> None:
        if not target_arn.startswith(BUCKET_ARN):
            route(target_arn, func_name, event, result)
            return
        function = lambda_svc._functions[func_name]
        try:
            _write(target_arn.removeprefix(BUCKET_ARN), function, event, result)
        except (BotoCoreError, ClientError):
            _LOG.exception("The failure record of %s could not be written to its destination", func_name)

    lambda_svc._route_async_failure = route_async_failure


def as_function(service: str, config: dict[str, Any]) -> Any:
    """A client of this emulator's `service` with the permissions of the execution role of a function."""
    keys = lambda_runtime.execution_credentials(config)
    return botocore.session.Session().create_client(
        service,
        region_name=get_region(),
        endpoint_url=endpoint_url(),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
    )


def endpoint_url() -> str:
    """Where this emulator answers."""
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def timestamp(now: datetime) -> str:
    """A moment as Lambda writes it into its records."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(bucket: str, function: dict[str, Any], event: Any, result: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    config = function["config"]
    retries = (function.get("event_invoke_config") or {}).get("MaximumRetryAttempts", _DEFAULT_RETRIES)
    record = {
        "version": "1.0",
        "timestamp": timestamp(now),
        "requestContext": {
            "requestId": new_uuid(),
            "functionArn": f"{config['FunctionArn']}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": retries + 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": result.get("body"),
    }
    key = f"aws/lambda/async/{config['FunctionName']}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{new_uuid()}"
    body = json.dumps(record).encode()
    as_function("s3", config).put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
