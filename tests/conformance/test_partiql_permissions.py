from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.identity import ACCOUNT, REGION
from tests.conformance.scenarios import allow, code_of, insert, role, statement, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

INDEX: dict[str, Any] = {
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_sk",
            "KeySchema": [{"AttributeName": "sk", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
}


def arn(table_name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table_name}"


def outcomes(cloud: LocalCloud, actions: list[str], suffix: str = "") -> dict[str, str]:
    """What each kind of statement comes to for a role that has `actions` on the table (or its index) alone."""
    allowed, other = table(cloud, **INDEX), table(cloud)
    client = cloud.client("dynamodb", cloud.assume(role(cloud, allow(actions, arn(allowed) + suffix))))

    def batch(*statements: dict[str, Any]) -> str:
        return code_of(lambda: client.batch_execute_statement(Statements=list(statements)))

    return {
        "insert": batch(insert(allowed, "p")),
        "insert elsewhere": batch(insert(other, "p")),
        "one of two elsewhere": batch(insert(allowed, "q"), insert(other, "q")),
        "select": batch(statement("SELECT * FROM TABLE WHERE pk = ? AND sk = ?", allowed, "p", "a")),
        "update": batch(statement("UPDATE TABLE SET n = 1 WHERE pk = ? AND sk = ?", allowed, "p", "a")),
        "delete": batch(statement("DELETE FROM TABLE WHERE pk = ? AND sk = ?", allowed, "p", "a")),
        "select index": code_of(
            lambda: client.execute_statement(**statement('SELECT * FROM TABLE."by_sk" WHERE sk = ?', allowed, "a"))
        ),
        "put": code_of(lambda: client.put_item(TableName=allowed, Item={"pk": {"S": "p"}, "sk": {"S": "a"}})),
    }


def permitted(found: dict[str, str]) -> set[str]:
    assert set(found.values()) <= {"allowed", "AccessDeniedException"}, found
    return {name for name, code in found.items() if code == "allowed"}


def test_each_statement_needs_its_own_action_on_its_table(corrected: LocalCloud) -> None:
    for action, kind in [
        ("PartiQLInsert", "insert"),
        ("PartiQLSelect", "select"),
        ("PartiQLUpdate", "update"),
        ("PartiQLDelete", "delete"),
    ]:
        assert permitted(outcomes(corrected, [f"dynamodb:{action}"])) == {kind}


def test_an_index_is_a_resource_of_its_own(corrected: LocalCloud) -> None:
    assert permitted(outcomes(corrected, ["dynamodb:PartiQLSelect"], "/index/by_sk")) == {"select index"}


def test_the_names_of_the_operations_are_no_actions(corrected: LocalCloud) -> None:
    actions = ["dynamodb:BatchExecuteStatement", "dynamodb:ExecuteStatement", "dynamodb:ExecuteTransaction"]
    assert permitted(outcomes(corrected, actions)) == set()


def test_as_it_comes_no_partiql_action_counts(as_it_comes: LocalCloud) -> None:
    assert permitted(outcomes(as_it_comes, ["dynamodb:PartiQLInsert"])) == set()


def test_a_transaction_is_authorised_by_its_statements(corrected: LocalCloud) -> None:
    name = table(corrected)
    keys = corrected.assume(role(corrected, allow("dynamodb:PartiQLInsert", arn(name))))
    client = corrected.client("dynamodb", keys)
    assert code_of(lambda: client.execute_transaction(TransactStatements=[insert(name, "p")])) == "allowed"
    delete = statement("DELETE FROM TABLE WHERE pk = ? AND sk = ?", name, "p", "a")
    assert code_of(lambda: client.execute_transaction(TransactStatements=[delete])) == "AccessDeniedException"


def test_a_statement_that_is_no_good_is_invalid_and_not_forbidden(corrected: LocalCloud) -> None:
    name = table(corrected)
    keys = corrected.assume(role(corrected, allow("dynamodb:PartiQLInsert", arn(name))))
    bad = insert(name, "p")
    bad["Parameters"][1] = {"N": "1" * 39}
    answer = corrected.client("dynamodb", keys).batch_execute_statement(Statements=[bad])
    assert answer["Responses"][0]["Error"]["Code"] == "ValidationError"
