"""What the backfill's function calls: a target in memory, the runs table in memory, and a bucket.

`before` and `after` are told of every call of DynamoDB, of both tables alike, and may end the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.fakes.messages_table import TABLE as KEPT
from tests.fakes.messages_table import MessagesTable
from tests.fakes.reports_bucket import ReportsBucket

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = "runs"
BUCKET = "reports"


class BackfillCloud:
    """A DynamoDB client with the tables `things` and `runs`."""

    def __init__(self, things: BackfillTable) -> None:
        self.things = things
        self.kept = MessagesTable()
        self.bucket = ReportsBucket()
        self.exports: Any = None
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None

    def batch_get_item(self, **request: Any) -> Any:
        if TABLE in request["RequestItems"]:
            return self._call(self.things, "batch_get_item", request)
        translated = {"RequestItems": {KEPT: request["RequestItems"][RUNS]}}
        answer = self._call(self.kept, "batch_get_item", translated)
        return {**answer, "Responses": {RUNS: answer["Responses"][KEPT]}}

    def __getattr__(self, name: str) -> Any:
        if "export" in name:
            return getattr(self.exports, name)
        table = self.kept if name in {"update_item", "transact_write_items", "query"} else self.things
        return lambda **request: self._call(table, name, request)

    def _call(self, table: Any, name: str, request: dict[str, Any]) -> Any:
        self.before(name, request)
        answer = getattr(table, name)(**request)
        self.after(name, request)
        return answer
