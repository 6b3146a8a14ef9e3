from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.scenarios import function, invoke

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

MESSAGE = '{"errors": [{"path": "/schema", "code": "required", "message": "two\\nlines"}]}' + "x" * 5_000
SOURCE = """
class InvalidEnvelope(Exception):
    pass
def handle(event, context):
    raise InvalidEnvelope(event["message"])
"""


def test_an_exception_keeps_its_name_and_whole_message(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    answer = invoke(corrected, function(corrected, SOURCE), {"message": MESSAGE})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "InvalidEnvelope"
    assert answer["Payload"]["errorMessage"] == MESSAGE
    assert "raise InvalidEnvelope" in answer["Payload"]["stackTrace"][-1]

    answer = invoke(as_it_comes, function(as_it_comes, SOURCE), {"message": MESSAGE})
    assert answer["Payload"]["errorType"] == "Runtime.HandlerError"


def test_a_good_call_after_a_failed_one_is_good(corrected: LocalCloud) -> None:
    name = function(corrected, 'def handle(event, context):\n    return 1 / event["by"]\n')
    assert invoke(corrected, name, {"by": 0})["Payload"]["errorType"] == "ZeroDivisionError"
    answer = invoke(corrected, name, {"by": 2})
    assert "FunctionError" not in answer
    assert answer["Payload"] == 0.5
