"""An exception of a Python handler surfaces under its own name.

Wrong: whatever a handler raises, the answer's `errorType` is `Runtime.HandlerError`, and the stack trace is missing.

AWS: `errorType` is the name of the exception's class, `errorMessage` is `str(exception)`, `stackTrace` a list of lines.
Source: Lambda developer guide, "Python function errors: how exceptions are handled".
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_cloud.corrections import _seam

_RAISED: Final[ContextVar[dict[str, Any] | None]] = ContextVar("raised", default=None)


def apply() -> None:
    """Let the worker report class and stack of an exception, and put both into the answer."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = _seam.replaced(
        lambda_runtime._PYTHON_WORKER_SCRIPT,
        '"error": str(e), "trace": traceback.format_exc()',
        '"error": str(e), "trace": traceback.format_exc(), '
        '"raised": {"errorType": type(e).__name__, "stackTrace": traceback.format_tb(e.__traceback__)[1:]}',
    )
    invoke = _seam.original(
        lambda_runtime.Worker,
        "invoke",
        *("self", "event", "request_id", "trace_id", "depth", "durable", "invoked_function_arn"),
    )
    execute = _seam.original(lambda_svc, "_execute_function_warm", "func", "event", "request_id")

    def worker_invoke(worker: Any, *arguments: Any, **named: Any) -> Any:
        response = invoke(worker, *arguments, **named)
        _RAISED.set(response.get("raised"))
        return response

    def execute_function_warm(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        _RAISED.set(None)
        result: dict[str, Any] = execute(func, event, request_id)
        raised = _RAISED.get()
        if raised is not None:
            result["body"] = {"errorMessage": result["body"]["errorMessage"], **raised, "requestId": request_id}
        return result

    lambda_runtime.Worker.invoke = worker_invoke
    lambda_svc._execute_function_warm = execute_function_warm
