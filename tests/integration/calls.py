"""How the tests call the deployed functions, and the records that they send."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

Json = dict[str, Any]

PATIENCE_SECONDS = 60


def record(record_id: str, record_type: str = cdr.CONSUME, **fields: Any) -> Json:
    """A valid record; `fields` replace or add."""
    return {
        "source": "test/integration",
        "id": record_id,
        "type": record_type,
        "time": "2026-11-20T12:00:00.000001Z",
        "sponsor_id": "s-1",
        "sponsorship_id": "sp-1",
        "data": {},
        **fields,
    }


def envelope(*records: Any, on_failed: str = "report") -> Json:
    """A request with these records."""
    return {"schema": cdr.ENVELOPE_SCHEMA, "on_failed": on_failed, "records": list(records)}


def unique(rng: random.Random, prefix: str) -> str:
    """An id that no other test of this run uses."""
    return f"{prefix}-{rng.getrandbits(64):016x}"


def invoke(local: DeployedStage, path: str, payload: Any, role: str) -> tuple[Json, str | None]:
    """The answer of a published function and, for a function error, its kind."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = local.client("lambda", role).invoke(FunctionName=local.parameter(path), Payload=body)
    return json.load(answer["Payload"]), answer.get("FunctionError")


def write(local: DeployedStage, payload: Any) -> Json:
    """The writer's answer to QM. Fails the test on a function error."""
    answer, error = invoke(local, deployment.CDR_WRITER_PATH, payload, deployment.QM_SERVICE)
    assert error is None, answer
    return answer


def query(local: DeployedStage, **question: Any) -> Json:
    """The query function's answer to a reader. Fails the test on a function error."""
    answer, error = invoke(local, deployment.CDR_QUERY_PATH, question, deployment.CDR_READER)
    assert error is None, answer
    return answer


def history(local: DeployedStage, sponsorship_id: str) -> list[Json]:
    """All records of a sponsorship in order of time."""
    found: list[Json] = query(local, query="history", sponsorship_id=sponsorship_id)["records"]
    return found


def statuses(answer: Json) -> list[str]:
    """The status of each result in input order."""
    return [result["status"] for result in answer["results"]]


def quarantined(local: DeployedStage, prefix: str = deployment.CDR_WRITER) -> list[Json]:
    """Every document in the quarantine below `prefix`, read as root."""
    s3, bucket = local.client("s3"), local.parameter(deployment.QUARANTINE_PATH)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return [json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in keys]


def eventually(holds: Callable[[], bool], claim: str) -> None:
    """Wait for something that happens by itself; fail with the claim when it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {claim}"
        time.sleep(0.1)


def refused(call: Callable[[], Any]) -> bool:
    """Whether IAM refuses a call; any other answer means that it let the call through."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in {"AccessDeniedException", "AccessDenied"}
    return False
