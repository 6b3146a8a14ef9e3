"""A failed execution of a state machine has an error and a cause, and no output.

Wrong: an execution that failed shows its error and its cause as an output as well.

AWS: `output` is set only if the execution succeeded.
Source: Step Functions API reference, `DescribeExecution`, response element `output`.
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

from local_cloud.corrections import _seam


def apply() -> None:
    """Take the output of a failed execution away."""
    fail = _seam.original(stepfunctions, "_fail_execution", "execution", "error", "cause")

    def fail_execution(execution: dict[str, Any], error: str, cause: str) -> None:
        fail(execution, error, cause)
        execution["output"] = None

    stepfunctions._fail_execution = fail_execution
