from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.machines import executed, function_arn, machine
from tests.conformance.scenarios import function

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

FAILING: dict[str, Any] = {
    "StartAt": "Fail",
    "States": {"Fail": {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"}},
}


def test_a_failed_execution_has_error_and_cause_and_no_output(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    failure = {"error": "NotATarget", "cause": '{"field": "table"}'}
    ended = executed(corrected, machine(corrected, FAILING), failure)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "NotATarget", '{"field": "table"}')
    assert ended.get("output") is None

    assert executed(as_it_comes, machine(as_it_comes, FAILING), failure).get("output") is not None


def test_an_execution_that_succeeds_keeps_its_output(corrected: LocalCloud) -> None:
    passing = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    assert executed(corrected, machine(corrected, passing), {"a": 1})["output"] == '{"a": 1}'


def test_the_class_of_a_functions_exception_is_matched_and_not_tried_again(
    corrected: LocalCloud, as_it_comes: LocalCloud
) -> None:
    """The emulator matches names well; without the correction of `handler_errors` every name is the same."""
    source = """
class NotATarget(Exception):
    pass
def handle(event, context):
    raise NotATarget("table")
"""

    def named(cloud: LocalCloud) -> dict[str, Any]:
        states: dict[str, Any] = {
            "Call": {
                "Type": "Task",
                "Resource": function_arn(cloud, function(cloud, source)),
                "Retry": [{"ErrorEquals": ["NotATarget"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}],
                "Catch": [{"ErrorEquals": ["NotATarget"], "Next": "Named"}],
                "End": True,
            },
            "Named": {"Type": "Pass", "End": True},
        }
        states["Call"]["Retry"][1]["MaxAttempts"] = 0
        return executed(cloud, machine(cloud, {"StartAt": "Call", "States": states}), {})

    assert named(corrected)["status"] == "SUCCEEDED"
    assert named(as_it_comes)["status"] == "FAILED"
