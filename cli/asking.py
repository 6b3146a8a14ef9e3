"""The messages function, asked as somebody; and what its refusals mean for the person at the terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from cli.errors import REPORT, Code, Failure, field_error
from switchboard.ids import derived_uuid
from switchboard.messages.errors import ErrorCode, Refused
from switchboard.schema import deployment

if TYPE_CHECKING:
    from cli.session import Answer, Target

NOBODY: Final = derived_uuid(deployment.APP, "directory")
"""Who asks for the owner of a handle: a caller who has no profile and is in no group."""

_CODES: Final = {
    ErrorCode.NOT_A_MEMBER: Code.REFUSED,
    ErrorCode.NOT_FOUND: Code.NOT_FOUND,
    ErrorCode.INVALID: Code.REFUSED,
    ErrorCode.HANDLE_TAKEN: Code.REFUSED,
    ErrorCode.CONFLICT: Code.REFUSED,
    ErrorCode.THROTTLED: Code.UNAVAILABLE,
    ErrorCode.INTERNAL: Code.FAULT,
}

_REMEDIES: Final[dict[str, str]] = {
    ErrorCode.NOT_A_MEMBER: "`switchboard messages groups --as HANDLE` lists somebody's groups.",
    ErrorCode.NOT_FOUND: "`switchboard users list` shows who there is, `switchboard messages show` what was written.",
    ErrorCode.INVALID: "Correct what it names, and run the command again.",
    ErrorCode.HANDLE_TAKEN: "Choose another handle; `switchboard users list` shows those that are taken.",
    ErrorCode.CONFLICT: "Look at what is stored, and decide which of the two is meant.",
    ErrorCode.THROTTLED: "Run the same command again in a moment.",
}


class People:
    """Asks the messages function of one stage."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._names: dict[str, str] = {}

    def ask(self, operation: str, user_uuid: str, *, as_json: bool = False, **fields: Any) -> Answer:
        """The answer to an operation; fields that are None are left out, and as JSON it is printed unchanged.

        Raises `Failure` where the function refuses, after printing.
        """
        said = {name: value for name, value in fields.items() if value is not None}
        request = {"operation": operation, "user_uuid": user_uuid, **said}
        answer = self._target.invoke(deployment.MESSAGES_FUNCTION_PATH, json.dumps(request).encode())
        if as_json:
            sys.stdout.write(answer.text + "\n")
        if "error" in answer.value:
            raise failure_of_refusal(answer.value["error"])
        return answer

    def owner_of(self, handle: str) -> str | None:
        """Whose handle this is; None where nobody's."""
        try:
            profile = self.ask("get_user", NOBODY, handle=handle).value
        except Failure as failure:
            if failure.code is Code.NOT_FOUND and failure.details:
                return None
            raise
        self._names[profile["user_uuid"]] = profile["display_name"]
        return str(profile["user_uuid"])

    def user_of(self, handle: str, said: str) -> str:
        """Whose handle this is. Raises `Failure` (not found) where nobody's; `said` is how the command was told."""
        found = self.owner_of(handle)
        if found is None:
            raise Failure(
                Code.NOT_FOUND,
                f"Nobody has the handle given as {said}.",
                remedy="`switchboard users list` shows who there is.",
            )
        return found

    def name_of(self, user_uuid: str) -> str:
        """What somebody is called now; asked for once."""
        if user_uuid not in self._names:
            self._names[user_uuid] = self.ask("get_user", user_uuid).value["display_name"]
        return self._names[user_uuid]


def failure_of_refusal(error: dict[str, Any]) -> Failure:
    """What a refusal of the messages domain means: `{"code", "message", "fields": [{"path", "code", "message"}]}`."""
    return Failure(
        _CODES.get(error["code"], Code.FAULT),
        f"{error['message']} ({error['code']})",
        remedy=_REMEDIES.get(error["code"], REPORT),
        details=tuple(field_error(each) for each in error["fields"]),
    )


def failure_of_domain(refused: Refused) -> Failure:
    """The same of a refusal that the domain raised within this command."""
    return failure_of_refusal(refused.answer()["error"])
