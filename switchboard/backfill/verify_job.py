"""The kind of job `verify`: a count, by strongly consistent reads, of the items that still lack a run's attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from switchboard.backfill import fields as checked
from switchboard.backfill import set_attribute
from switchboard.backfill.earlier import earlier
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.kinds import Kind, Planned
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from switchboard.backfill.kinds import Tools

_KEPT: Final = ("table", "attribute", "value", "prefix", runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS)


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of `{"run": id}`: that of the run itself, with its budgets unless `fields` has another one for reads.

    Raises `InvalidInput` for a run that set no attribute, and as `set_attribute.plan`.
    """
    checked.known(fields, (runs.RUN_FIELD, runs.MAX_READ_UNITS))
    run = earlier(fields, tools).record
    if run.job != runs.SET_ATTRIBUTE:
        raise InvalidInput("run: expected one that set an attribute: other jobs are verified by starting them again")
    asked = {name: run.input[name] for name in _KEPT if name in run.input}
    if runs.MAX_READ_UNITS in fields:
        asked[runs.MAX_READ_UNITS] = fields[runs.MAX_READ_UNITS]
    return set_attribute.plan(asked, tools)


KIND: Final = Kind(plan=plan, work=set_attribute.work, counts_only=True)
