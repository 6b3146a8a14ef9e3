"""PartiQL is authorised by what each statement does.

Wrong: `BatchExecuteStatement` and `ExecuteStatement` are authorised as if they were IAM actions, on no table at all.

AWS: each statement needs `dynamodb:PartiQLSelect`, `PartiQLInsert`, `PartiQLUpdate` or `PartiQLDelete` on its table, or
on the index it reads. Corrected, one statement that is not allowed refuses the whole request; AWS may instead answer
that member alone with `AccessDenied`, so a caller has to understand both.
Source: DynamoDB developer guide, "IAM security policies with PartiQL for DynamoDB"; service authorization reference,
"Actions, resources, and condition keys for Amazon DynamoDB".
"""

from __future__ import annotations

import json
from typing import Any, Final

from ministack.core import iam_actions
from ministack.services import dynamodb

from local_cloud.corrections import _seam

_STATEMENTS: Final = {
    "dynamodb:ExecuteStatement": None,
    "dynamodb:BatchExecuteStatement": "Statements",
    "dynamodb:ExecuteTransaction": "TransactStatements",
}
_ACTIONS: Final = {
    "SELECT": "dynamodb:PartiQLSelect",
    "EXISTS": "dynamodb:PartiQLSelect",
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
}


def apply() -> None:
    """Name the action and the table of every statement; the emulator then asks the policies about each."""
    checks = _seam.original(iam_actions, "dynamodb_transaction_checks", "iam_action", "body", "region", "account_id")
    table_arn = _seam.original(iam_actions, "_dynamodb_table_arn", "table", "region", "account_id")
    parse = _seam.original(dynamodb, "parse_partiql_statement", "text", "parameters")

    def dynamodb_transaction_checks(
        iam_action: str, body: bytes, region: str, account_id: str
    ) -> list[tuple[str, str]]:
        if iam_action not in _STATEMENTS:
            found: list[tuple[str, str]] = checks(iam_action, body, region, account_id)
            return found
        # What a statement does and where does not depend on its parameters, so one of each text speaks for all.
        texts = {statement.get("Statement", ""): statement for statement in _statements(iam_action, body)}
        needed = []
        for text, statement in texts.items():
            try:
                parsed = parse(text, statement.get("Parameters", []))
            except ValueError:
                continue  # it will be refused as invalid and reaches no table
            source = parsed["select"] if parsed["op"] == "EXISTS" else parsed
            arn = table_arn(source["table"], region, account_id)
            if source.get("index"):
                arn += f"/index/{source['index']}"
            needed.append((_ACTIONS[parsed["op"]], arn))
        return list(dict.fromkeys(needed))

    iam_actions.dynamodb_transaction_checks = dynamodb_transaction_checks


def _statements(iam_action: str, body: bytes) -> list[dict[str, Any]]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    member = _STATEMENTS[iam_action]
    statements = [request] if member is None else request.get(member) or []
    return [statement for statement in statements if isinstance(statement, dict)]
