"""A statement of a PartiQL batch is parsed once, not each time one of the steps of the batch looks at it.

Wrong: nothing in the answers. But the batch parses each of its statements, has it executed from its text, which parses
it again, and a correction that looks at the whole batch parsed it a third time; each time the parameters were checked,
too. That took half of the time of a batch, and none of the time of an item write: no ratio between the two that was
measured here meant anything.

AWS: parses a statement once, and bills and times by items.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.services import dynamodb

from local_cloud.corrections import _seam

_PARSED: Final[ContextVar[dict[tuple[str, int], Any] | None]] = ContextVar("parsed", default=None)
"""The statements of the batch that runs, by their text and the identity of their parameters, which it keeps alive."""


def apply() -> None:
    """Remember parsed statements until their batch ends; errors are not remembered."""
    execute = _seam.original(dynamodb, "_batch_execute_statement", "data")
    parse = _seam.original(dynamodb, "_parse_partiql", "statement", "parameters")

    def batch_execute_statement(data: dict[str, Any]) -> Any:
        token = _PARSED.set({})
        try:
            return execute(data)
        finally:
            _PARSED.reset(token)

    def parse_partiql(statement: str, parameters: list[dict[str, Any]] | None) -> Any:
        parsed = _PARSED.get()
        if parsed is None or not parameters:
            return parse(statement, parameters)
        key = statement, id(parameters)
        if key not in parsed:
            parsed[key] = parse(statement, parameters)
        return parsed[key]

    dynamodb._batch_execute_statement = batch_execute_statement
    dynamodb._parse_partiql = parse_partiql
