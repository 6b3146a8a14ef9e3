"""The state machine of the backfill, in the Amazon States Language: every step is a request to one function.

Requests and answers are those of `lambdas/backfill/handler.py`. The state of an execution is what `plan` and `verify`
answer: `run_id`, `fence`, `phase`, `pass`, `segments` (their numbers), `concurrency`, `distributed`. Cursors and
counters are in the runs table, so that no payload grows with the table.
"""

from __future__ import annotations

from typing import Any, Final

from infra.constructs.backfill_retries import RETRY, WAIT_FOR_EXPORT
from switchboard.schema import runs

FUNCTION: Final = "${BackfillFunction}"
"""Stands for the function's ARN, which CloudFormation puts in its place."""
SEGMENTS_LABEL: Final = "Segments"
"""Part of the ARN of executions that a distributed map starts."""
RUN_SECONDS: Final = 30 * 24 * 3_600
"""The longest that one execution may take: a billion items at 4,000 write units per second take three days."""

_PLAN: Final = "Plan the run"
_REFUSED: Final = "Name the run that did not begin"
_ONLY_PLANNED: Final = "Was only a plan wanted?"
_ANSWER_PLAN: Final = "Answer with the plan"
_ROOM: Final = "Is one history long enough?"
_SEGMENTS: Final = "Settle the segments"
_OWN_EXECUTIONS: Final = "Settle each segment in an execution of its own"
_VERIFY: Final = "Verify what is settled"
_NEXT: Final = "Is there more to settle?"
_REPORT: Final = "Report"
_EXPLAIN: Final = "Explain why the run fails"
_FAIL: Final = "Fail with the reason"
_FAIL_UNEXPLAINED: Final = "Fail without the reason"

_WORK: Final = "Work until the time is up"
_LEFT: Final = "Is anything left of the segment?"
_LEAVE: Final = "Leave the segment"
_EXPLAIN_SEGMENT: Final = "Explain why the segment fails"
_FAIL_SEGMENT: Final = "Fail with the segment's reason"

_ALL: Final = ["States.ALL"]
_FAILURE: Final = "$.failure"
_THE_RUN: Final = {"run_id.$": "$.run_id", "fence.$": "$.fence"}
_THE_PHASE: Final = {**_THE_RUN, "phase.$": "$.phase", "pass.$": "$.pass"}


def definition(task_seconds: int) -> dict[str, Any]:
    """The state machine; `task_seconds` is longer than the function's timeout, which therefore ends a task first."""
    return {
        "Comment": (
            "Changes every item of a table that a job concerns, exactly once, inside a budget: plan, settle the "
            "segments, verify, report. What failed is said in error and cause."
        ),
        "StartAt": _PLAN,
        "TimeoutSeconds": RUN_SECONDS,
        "States": {
            **_beginning(task_seconds),
            **_middle(task_seconds),
            **_end(task_seconds),
        },
    }


def _beginning(task_seconds: int) -> dict[str, Any]:
    return {
        _PLAN: {
            **_task(
                "Refuses a bad request, takes the table's lock, picks segments and budgets. The run is called as the "
                "execution is; a resumed run keeps its name.",
                {
                    runs.STEP: runs.PLAN,
                    "run_id.$": "$$.Execution.Name",
                    "execution.$": "$$.Execution.Id",
                    "input.$": "$$.Execution.Input",
                },
                task_seconds,
            ),
            "Retry": [WAIT_FOR_EXPORT, *RETRY],
            # The input may be no object, into which nothing could be put: the error replaces it.
            "Catch": [{"ErrorEquals": _ALL, "ResultPath": "$", "Next": _REFUSED}],
            "Next": _ONLY_PLANNED,
        },
        _REFUSED: {
            "Comment": "Puts the refusal where every other failure stands.",
            "Type": "Pass",
            "Parameters": {"run_id.$": "$$.Execution.Name", "failure.$": "$"},
            "Next": _EXPLAIN,
        },
        _ONLY_PLANNED: {
            "Comment": "A dry run changes nothing: its answer is its plan.",
            "Type": "Choice",
            "Choices": [{"Variable": "$.planned", "IsNull": False, "Next": _ANSWER_PLAN}],
            "Default": _ROOM,
        },
        _ANSWER_PLAN: {
            "Comment": "Items to change, units, cost and time, estimated from a sample.",
            "Type": "Pass",
            "InputPath": "$.planned",
            "End": True,
        },
    }


def _middle(task_seconds: int) -> dict[str, Any]:
    return {
        _ROOM: {
            "Comment": "An execution's history holds 25,000 events; segments with histories of their own leave room.",
            "Type": "Choice",
            "Choices": [{"Variable": "$.distributed", "BooleanEquals": True, "Next": _OWN_EXECUTIONS}],
            "Default": _SEGMENTS,
        },
        _SEGMENTS: {
            **_map("Works on the segments side by side, or counts what they still lack."),
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": _WORK,
                "States": _segment(task_seconds),
            },
        },
        _OWN_EXECUTIONS: {
            **_map("The same, each segment in an execution of its own."),
            "Label": SEGMENTS_LABEL,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": _WORK,
                "States": _explained_segment(task_seconds),
            },
        },
        _VERIFY: {
            **_task(
                "Says what comes after the phase: a count after work, and work again while anything is missing, "
                "for a bounded number of passes.",
                {runs.STEP: runs.VERIFY, **_THE_PHASE},
                task_seconds,
            ),
            "Catch": _explained(),
            "Next": _NEXT,
        },
        _NEXT: {
            "Comment": "Counts and further passes go over the segments again; a paused or finished run is reported.",
            "Type": "Choice",
            "Choices": [{"Variable": "$.next", "StringEquals": runs.REPORT, "Next": _REPORT}],
            "Default": _ROOM,
        },
    }


def _end(task_seconds: int) -> dict[str, Any]:
    return {
        _REPORT: {
            **_task(
                "Writes the report, gives the lock back, and answers with the report, which is the execution's "
                "output. A run that did not verify fails here.",
                {runs.STEP: runs.REPORT, **_THE_RUN},
                task_seconds,
            ),
            "Catch": _explained(),
            "End": True,
        },
        _EXPLAIN: {
            **_task(
                "Makes error and cause of whatever went wrong, and keeps the lock for the last pages only: a failed "
                "execution has no output.",
                {
                    runs.STEP: runs.EXPLAIN,
                    "run_id.$": "$.run_id",
                    "execution.$": "$$.Execution.Id",
                    "failure.$": _FAILURE,
                },
                task_seconds,
            ),
            "Catch": [{"ErrorEquals": _ALL, "Next": _FAIL_UNEXPLAINED}],
            "Next": _FAIL,
        },
        _FAIL: {
            "Comment": "Ends as FAILED with one of the errors of the contract, and its cause as JSON.",
            "Type": "Fail",
            "ErrorPath": "$.error",
            "CausePath": "$.cause",
        },
        _FAIL_UNEXPLAINED: {
            "Comment": "The function that explains failures fails itself.",
            "Type": "Fail",
            "Error": runs.SYSTEMIC,
            "Cause": (
                '{"message": "The run failed, and so did the function that says why: read its log. The run keeps what '
                'it settled and can be resumed; its lock ends by itself."}'
            ),
        },
    }


def _segment(task_seconds: int) -> dict[str, Any]:
    return {
        _WORK: {
            **_task(
                "Settles page after page and keeps its place in the runs table; hands back before the function's "
                "timeout, when the run is paused, and at the segment's end.",
                {runs.STEP: runs.SEGMENT, **_THE_PHASE, "segment.$": "$.segment"},
                task_seconds,
            ),
            "ResultPath": "$.answer",
            "Next": _LEFT,
        },
        _LEFT: {
            "Comment": "The function is called until the segment is done.",
            "Type": "Choice",
            "Choices": [{"Variable": "$.answer.more", "BooleanEquals": True, "Next": _WORK}],
            "Default": _LEAVE,
        },
        _LEAVE: {
            "Comment": "Hands nothing on: results of thousands of segments would not fit into a payload.",
            "Type": "Pass",
            "Result": {},
            "End": True,
        },
    }


def _explained_segment(task_seconds: int) -> dict[str, Any]:
    """A segment whose execution says itself why it fails: a distributed map only tells that one of them did."""
    states = _segment(task_seconds)
    return {
        **states,
        _WORK: {**states[_WORK], "Catch": [_caught(_EXPLAIN_SEGMENT)]},
        _EXPLAIN_SEGMENT: {
            **_task(
                "Keeps error and cause with the run, where the execution that started this one finds them.",
                {
                    runs.STEP: runs.EXPLAIN,
                    "run_id.$": "$.run_id",
                    "execution.$": "$.execution",
                    "failure.$": _FAILURE,
                },
                task_seconds,
            ),
            "Next": _FAIL_SEGMENT,
        },
        _FAIL_SEGMENT: {
            "Comment": "Stops the other segments.",
            "Type": "Fail",
            "ErrorPath": "$.error",
            "CausePath": "$.cause",
        },
    }


def _map(comment: str) -> dict[str, Any]:
    return {
        "Comment": comment,
        "Type": "Map",
        "ItemsPath": "$.segments",
        "MaxConcurrencyPath": "$.concurrency",
        "ItemSelector": {**_THE_PHASE, "segment.$": "$$.Map.Item.Value", "execution.$": "$$.Execution.Id"},
        "ResultPath": None,
        "Catch": _explained(),
        "Next": _VERIFY,
    }


def _task(comment: str, request: dict[str, str], seconds: int) -> dict[str, Any]:
    return {
        "Comment": comment,
        "Type": "Task",
        "Resource": FUNCTION,
        "Parameters": request,
        "TimeoutSeconds": seconds,
        "Retry": RETRY,
    }


def _explained() -> list[dict[str, Any]]:
    return [_caught(_EXPLAIN)]


def _caught(explained_by: str) -> dict[str, Any]:
    return {"ErrorEquals": _ALL, "ResultPath": _FAILURE, "Next": explained_by}
