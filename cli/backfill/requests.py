"""What the state machine is asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.backfill.fields import needed, source_of, value_of
from cli.errors import Code, Failure
from switchboard.backfill.set_attribute import READ_FROM
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping


def request(
    job: str,
    *,
    table: str | None,
    attribute: str | None,
    value: str | None,
    prefix: str | None,
    read_from: str | None,
    before: str | None,
    mapping: str | None,
    user: str | None,
    max_write_units: float | None,
    max_read_units: float | None,
) -> dict[str, Any]:
    """The input of an execution that does `job`; what was not given is left to the plan.

    Raises `Failure` (usage) where the job needs an option that was not given, or knows none of that name.
    """
    fields: Mapping[str, Any]
    if job == runs.SET_ATTRIBUTE:
        fields = {
            "table": needed(table, "--table"),
            "attribute": needed(attribute, "--attribute"),
            "value": value_of(needed(value, "--value")),
            "prefix": prefix,
            READ_FROM: source_of(read_from),
        }
        foreign = {"--before": before, "--mapping": mapping, "--user": user}
    elif job == runs.IMPORT_LEGACY_CDR:
        fields = {"source": needed(table, "--table"), "before": needed(before, "--before"), "mapping": mapping}
        foreign = {
            "--attribute": attribute,
            "--value": value,
            "--prefix": prefix,
            "--read-from": read_from,
            "--user": user,
        }
    elif job == runs.RENAME_USER:
        fields = {"user_uuid": needed(user, "--user")}
        foreign = {
            "--table": table,
            "--attribute": attribute,
            "--value": value,
            "--prefix": prefix,
            "--read-from": read_from,
            "--before": before,
            "--mapping": mapping,
        }
    else:
        raise Failure(
            Code.USAGE,
            "There is no such job.",
            remedy=f"The jobs are {runs.SET_ATTRIBUTE}, {runs.IMPORT_LEGACY_CDR} and {runs.RENAME_USER}.",
        )
    for option, given in foreign.items():
        if given is not None:
            raise Failure(Code.USAGE, f"{option} means nothing to {job}.", remedy="Leave it out.")
    limits = {"max_write_units": max_write_units, "max_read_units": max_read_units}
    return {"job": job} | {name: given for name, given in {**fields, **limits}.items() if given is not None}
