"""What the doctor found: one line per thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.errors import Code, Failure, failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Check = Callable[[], Iterable["Finding"]]

_REFUSED: Final = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
"""What AWS answers to those who may not look; S3 has a mere status for a question that takes no body."""
_NOT_SERVED: Final = frozenset(
    {"InternalFailure", "InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException"}
)
"""What endpoints that are not AWS answer to what they do not know."""


class State(Enum):
    """What is to be done about it."""

    WELL = "well"
    AMISS = "amiss"
    UNSEEN = "unseen"
    """These credentials may not look."""
    ABSENT = "absent"
    """The local cloud does not have the like."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at: what, how it is, and what to do where it is amiss or was not seen."""

    about: str
    state: State
    says: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """The finding as the command prints it with --json."""
        return {**asdict(self), "state": self.state.value}


def well(about: str, says: str) -> Finding:
    """As it should be."""
    return Finding(about, State.WELL, says)


def amiss(about: str, says: str, remedy: str) -> Finding:
    """Not as it should be."""
    return Finding(about, State.AMISS, says, remedy)


def absent(about: str) -> Finding:
    """Nothing that the local cloud has."""
    return Finding(about, State.ABSENT, "The local cloud does not have it.")


def examined(about: str, check: Check, *, is_local: bool) -> Iterator[Finding]:
    """What a check finds; or one finding that it could not look, or that what it looks at is not there.

    Raises `Failure` for what stops every check alike, such as credentials that AWS does not accept.
    """
    try:
        yield from check()
    except (ClientError, Failure) as raised:
        error = raised.__cause__ if isinstance(raised, Failure) else raised
        if not isinstance(error, ClientError):
            raise
        code = error.response["Error"]["Code"]
        if is_local and code in _NOT_SERVED:
            yield absent(about)
        elif code in _REFUSED:
            yield Finding(
                about,
                State.UNSEEN,
                f"These credentials may not look: {error.operation_name}.",
                "Use a role with AWS's policy SecurityAudit and with docs/examples/audit-policy.json.",
            )
        else:
            failure = failure_of(error)
            if failure is None or failure.code is not Code.NOT_FOUND:
                raise failure or error from error
            yield amiss(about, failure.message, failure.remedy)
