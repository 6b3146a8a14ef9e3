"""What a task of the backfill's state machine does about an error: what is tried again, how often, how patiently."""

from __future__ import annotations

from typing import Any, Final

from switchboard.schema import runs

TOO_MANY_REQUESTS: Final = "Lambda.TooManyRequestsException"
"""Lambda refused the call: the concurrent executions of the account, or those of the function, are used up."""
THROTTLED_ATTEMPTS: Final = 80
"""About forty minutes at half of `_MOST_SECONDS` in the mean. Each attempt is three events of a history, which has to
hold those of all workers of an inline map beside what the run was planned with."""
_MOST_SECONDS: Final = 60

RETRY: Final[list[dict[str, Any]]] = [
    {"ErrorEquals": list(runs.ERRORS), "MaxAttempts": 0},
    {
        "ErrorEquals": [TOO_MANY_REQUESTS],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": THROTTLED_ATTEMPTS,
        "MaxDelaySeconds": _MOST_SECONDS,
        "JitterStrategy": "FULL",
    },
    {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 6,
        "MaxDelaySeconds": _MOST_SECONDS,
        "JitterStrategy": "FULL",
    },
]
"""What the function says on purpose stands. A call that Lambda did not make costs nothing and is no fault of the run's:
it is tried for long. Anything else, such as a worker that died, is tried a few times."""

WAIT_FOR_EXPORT: Final = {
    "ErrorEquals": [runs.EXPORTING],
    "IntervalSeconds": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": _MOST_SECONDS,
    "MaxAttempts": 8 * 60,
}
"""As long as all requests with one token mean one export: eight hours (docs: `ExportTableToPointInTime`)."""
