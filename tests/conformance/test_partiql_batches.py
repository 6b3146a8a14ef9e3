from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.scenarios import code_of, insert, statement, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def one_key_twice(cloud: LocalCloud) -> tuple[str, int]:
    """What a batch with one key twice comes to, and how many items it stores."""
    name, client = table(cloud), cloud.client("dynamodb")
    statements = [insert(name, "p"), insert(name, "q"), insert(name, "p")]
    code = code_of(lambda: client.batch_execute_statement(Statements=statements))
    return code, client.scan(TableName=name)["Count"]


def test_one_key_twice_refuses_the_whole_batch(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert one_key_twice(corrected) == ("ValidationException", 0)
    assert one_key_twice(as_it_comes) == ("allowed", 2)


def test_one_key_in_an_insert_and_an_update_is_one_key_twice(corrected: LocalCloud) -> None:
    name = table(corrected)
    update = statement("UPDATE TABLE SET n = 1 WHERE sk = ? AND pk = ?", name, "a", "p")
    client = corrected.client("dynamodb")
    batch = [insert(name, "p"), update]
    assert code_of(lambda: client.batch_execute_statement(Statements=batch)) == "ValidationException"


def reads_and_writes(cloud: LocalCloud) -> str:
    name = table(cloud)
    read = statement("SELECT * FROM TABLE WHERE pk = ? AND sk = ?", name, "x", "a")
    return code_of(lambda: cloud.client("dynamodb").batch_execute_statement(Statements=[insert(name, "p"), read]))


def test_a_batch_does_not_mix_reads_and_writes(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert reads_and_writes(corrected) == "ValidationException"
    assert reads_and_writes(as_it_comes) == "allowed"


def test_the_same_key_in_two_tables_and_two_sort_keys_are_fine(corrected: LocalCloud) -> None:
    first, second = table(corrected), table(corrected)
    answer = corrected.client("dynamodb").batch_execute_statement(
        Statements=[insert(first, "p"), insert(second, "p"), insert(first, "p", "b")]
    )
    assert not [response for response in answer["Responses"] if "Error" in response]
