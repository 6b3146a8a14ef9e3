"""Pages of a group's messages, both ways from any of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.values import from_item
from switchboard.messages.cursors import CursorScope
from switchboard.messages.errors import FieldCode, FieldError, invalid
from switchboard.messages.membership import require_membership
from switchboard.messages.sort_keys import KeyRange, is_sort_key, time_of, uuid_of, year_range
from switchboard.messages.stored import MalformedItem, read_message
from switchboard.schema import messages as schema
from switchboard.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

BEFORE: Final = "before"
AFTER: Final = "after"
_PROBE: Final = 10
"""Messages read in search of one that is not past its TTL: most often they cost no more than one does."""

_WHOLE: Final = f"attribute_exists({schema.USER_UUID}) AND attribute_exists({schema.MESSAGE})"


def list_messages(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `list_messages`. Raises `Refused` (`not_a_member`, `invalid`)."""
    caller, group_uuid = request[schema.USER_UUID], request[schema.GROUP_UUID]
    scope = CursorScope(caller, request["operation"], group_uuid)
    span, before, after = _span(request), _position(request, BEFORE, scope), _position(request, AFTER, scope)
    limit = int(request.get("limit", schema.DEFAULT_PAGE))
    require_membership(runtime.table, caller, group_uuid)
    messages = Messages(runtime.table, group_uuid, now=runtime.now() // 1_000)
    if after:
        page = list(islice(messages.oldest_first(span.newer_than(after), limit), limit))
        older = bool(page) and messages.any_in(span.older_than(page[0][schema.SK]))
    else:
        found = list(islice(messages.newest_first(span.older_than(before) if before else span, limit + 1), limit + 1))
        page, older = found[limit - 1 :: -1] if len(found) > limit else found[::-1], len(found) > limit
    answer: dict[str, Any] = {"messages": [_shown(message) for message in page]}
    if older:
        answer[BEFORE] = scope.write(page[0][schema.SK])
    newest = page[-1][schema.SK] if page else after or before or _newest_beside(span, messages)
    if newest:
        answer[AFTER] = scope.write(newest)
    return answer


def _newest_beside(span: KeyRange, messages: Messages) -> str | None:
    """Where to poll from where a span holds nothing yet: before what may come into it, if anything stands before."""
    if span == KeyRange():
        return None
    newest = messages.newest(KeyRange(high=span.high)) or messages.newest(KeyRange())
    return newest[schema.SK] if newest else None


class Messages:
    """The messages of one group that are not past their TTL at `now` (epoch seconds); strongly consistent.

    What is no message, though it stands among them, is passed over: it would end the page for every member, for ever.
    """

    def __init__(self, table: MessagesTable, group_uuid: str, *, now: int) -> None:
        self._table = table
        self._group_uuid = group_uuid
        self._now = now

    def newest_first(self, span: KeyRange, page_size: int) -> Iterator[dict[str, Any]]:
        """The messages of a range as Python values; `page_size` is how many are read at once."""
        return self._read(span, page_size, forward=False)

    def oldest_first(self, span: KeyRange, page_size: int) -> Iterator[dict[str, Any]]:
        """As `newest_first`, the other way round."""
        return self._read(span, page_size, forward=True)

    def any_in(self, span: KeyRange) -> bool:
        """Whether there is a message in a range."""
        return self.newest(span) is not None

    def newest(self, span: KeyRange) -> dict[str, Any] | None:
        """The newest message of a range, or None."""
        return next(self.newest_first(span, _PROBE), None)

    def count_of_others(self, user_uuid: str, span: KeyRange, *, enough: int) -> int:
        """How many messages of a range others than this user sent; counting ends at or beyond `enough`."""
        if span.empty:
            return 0
        request = self._request(span, page_size=enough)
        request["FilterExpression"] += f" AND {schema.USER_UUID} <> :user AND {_WHOLE}"
        request["ExpressionAttributeValues"][":user"] = {"S": user_uuid}
        counted = 0
        for page in self._table.query({**request, "Select": "COUNT"}):
            counted += page["Count"]
            if counted >= enough:
                break
        return counted

    def _read(self, span: KeyRange, page_size: int, *, forward: bool) -> Iterator[dict[str, Any]]:
        if span.empty:
            return
        for page in self._table.query({**self._request(span, page_size), "ScanIndexForward": forward}):
            yield from (from_item(item) for item in page["Items"] if _readable(item))

    def _request(self, span: KeyRange, page_size: int) -> dict[str, Any]:
        return {
            "KeyConditionExpression": f"{schema.PK} = :pk AND {schema.SK} BETWEEN :low AND :high",
            "FilterExpression": f"(attribute_not_exists({schema.EXPIRES_AT}) OR {schema.EXPIRES_AT} > :now)",
            "ExpressionAttributeValues": {
                ":pk": {"S": schema.messages_key(self._group_uuid)},
                ":low": {"S": span.low},
                ":high": {"S": span.high},
                ":now": {"N": str(self._now)},
            },
            "Limit": page_size,
            "ConsistentRead": True,
        }


def _span(request: Mapping[str, Any]) -> KeyRange:
    if "year" in request:
        return year_range(int(request["year"]))
    span = KeyRange()
    for name, narrowed in (("from", KeyRange.since), ("to", KeyRange.until)):
        if name in request:
            try:
                span = narrowed(span, parse_rfc3339(request[name]))
            except ValueError:
                raise invalid(FieldError(f"/{name}", FieldCode.FORMAT, "must be a date the calendar has")) from None
    if span.empty:
        raise invalid(FieldError("/to", FieldCode.RANGE, "must not be earlier than from"))
    return span


def _position(request: Mapping[str, Any], name: str, scope: CursorScope) -> str | None:
    if name not in request:
        return None
    (key,) = scope.read(request[name], f"/{name}", (is_sort_key,))
    return key


def _readable(item: Mapping[str, Any]) -> bool:
    """Whether the stream handler would show it, too."""
    try:
        read_message(item)
    except MalformedItem:
        return False
    return True


def _shown(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        schema.MESSAGE_UUID: uuid_of(message[schema.SK]),
        schema.USER_UUID: message[schema.USER_UUID],
        schema.MESSAGE: message[schema.MESSAGE],
        schema.CREATED_AT: time_of(message[schema.SK]),
    }
