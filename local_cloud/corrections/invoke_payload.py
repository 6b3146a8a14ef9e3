"""Invoke refuses what is not JSON, and what is too large, in both directions.

Wrong: a body that is not JSON reaches the function as `{}`; `NaN` and `Infinity`, a body of 7 MB, and an answer of 7 MB
pass.

AWS: what is not JSON is refused with `InvalidRequestContentException` (400); more than 6 MB to a synchronous and more
than 1 MB to an asynchronous invocation with `RequestTooLargeException` (413); an answer over 6 MB is a function error
`Function.ResponseSizeTooLarge`.
Source: Lambda API reference, "Invoke", errors; Lambda developer guide, "Lambda quotas" and "Troubleshoot invocation
issues in Lambda".
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local_cloud.corrections import _seam

_INVOCATIONS: Final = re.compile(r"/\d{4}-\d{2}-\d{2}/functions/[^/]+/invocations/?")
_LIMITS: Final = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024}
_ANSWER_LIMIT: Final = 6_291_556
"""6 MB and the 100 bytes of grace that the error message of AWS names."""


def apply() -> None:
    """Check the bodies of Invoke before and after the emulator's own handling."""
    handle = _seam.original(lambda_svc, "handle_request", "method", "path", "headers", "body", "query_params")

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        if method != "POST" or not _INVOCATIONS.fullmatch(path):
            return await handle(method, path, headers, body, query_params)
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        refusal = _refusal(kind, body)
        if refusal is not None:
            return refusal
        status, answer_headers, answer = await handle(method, path, headers, body, query_params)
        if kind == "RequestResponse" and len(answer) > _ANSWER_LIMIT:
            return status, {**answer_headers, "X-Amz-Function-Error": "Unhandled"}, _too_large_answer()
        return status, answer_headers, answer

    lambda_svc.handle_request = handle_request


def _refusal(kind: str, body: bytes) -> Any:
    limit = _LIMITS.get(kind)
    if limit is not None and len(body) > limit:
        return error_response_json(
            "RequestTooLargeException",
            f"{len(body)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
            413,
            {"Type": "User"},
            message_key="Message",
            content_type="application/json",
        )
    try:
        # Numbers stay text: only whether the body is JSON matters here.
        json.loads(body or b"{}", parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        return error_response_json(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
            400,
            {"Type": "User"},
            message_key="message",
            content_type="application/json",
        )
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Non-standard token '{name}'")


def _too_large_answer() -> bytes:
    return json.dumps(
        {
            "errorMessage": f"Response payload size exceeded maximum allowed payload size ({_ANSWER_LIMIT} bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        }
    ).encode()
