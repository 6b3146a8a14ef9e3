"""Parameters of PartiQL statements are checked and stored as every other value.

Wrong: numbers are stored as they were spelled (`1.10`, `007`, `1e2`), with any number of digits and of any size.

AWS: numbers have one form, with leading and trailing zeros trimmed; more than 38 significant digits or a magnitude out
of range refuses the statement.
Source: DynamoDB developer guide, "Supported data types and naming rules", number.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from ministack.services import dynamodb

from local_cloud.corrections import _seam


def apply() -> None:
    """Put parameters through the checks of item writes, which also bring numbers into their form."""
    parse = _seam.original(dynamodb, "_parse_partiql", "statement", "parameters")
    problem = _seam.original(dynamodb, "_attribute_value_error", "value")
    validate = _seam.original(dynamodb, "_validate_attribute_value", "attr_name", "value", "_depth")

    def parse_partiql(statement: str, parameters: list[dict[str, Any]] | None) -> Any:
        values = copy.deepcopy(parameters or [])
        for value in values:
            message = problem(value)
            if message:
                raise ValueError(message)
            refusal = validate("", value)
            if refusal:
                raise ValueError(json.loads(refusal[2])["message"])
        return parse(statement, values)

    dynamodb._parse_partiql = parse_partiql
