"""Cursors: where a page ended, bound to the caller, the operation and the group that it was answered to.

A cursor is base64url over compact JSON `[<digest>, <sort key>, …]`. It holds no partition key and is no secret: the
partition is computed from the caller again, so a forged cursor moves nobody beyond what they may read anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.messages.errors import FieldCode, FieldError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGEST_CHARACTERS: Final = 22
_EXPECTED: Final = "must be a cursor of an earlier answer to the same caller, operation and group, unchanged"


@dataclass(frozen=True, slots=True)
class CursorScope:
    """Whose cursors these are. `group_uuid` is empty for an operation on all groups."""

    caller: str
    operation: str
    group_uuid: str = ""

    def write(self, *keys: str) -> str:
        """A cursor of this scope that holds these sort keys."""
        body = json.dumps([self._digest(), *keys], separators=(",", ":"))
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    def read(self, cursor: str, path: str, checks: tuple[Callable[[str], bool], ...]) -> tuple[str, ...]:
        """The sort keys of a cursor, one for each check, all of them passed.

        Raises `Refused` (`invalid`, at `path`) for a cursor of another scope and for one that nobody wrote.
        """
        keys = self._keys(cursor)
        if len(keys) != len(checks) or not all(check(key) for check, key in zip(checks, keys, strict=True)):
            raise invalid(FieldError(path, FieldCode.FORMAT, _EXPECTED))
        return keys

    def _keys(self, cursor: str) -> tuple[str, ...]:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            body = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, RecursionError):
            return ()
        if not isinstance(body, list) or not all(isinstance(part, str) for part in body):
            return ()
        return tuple(body[1:]) if body[:1] == [self._digest()] else ()

    def _digest(self) -> str:
        scope = json.dumps([self.caller, self.operation, self.group_uuid])
        return base64.urlsafe_b64encode(hashlib.sha256(scope.encode()).digest()).decode()[:_DIGEST_CHARACTERS]
