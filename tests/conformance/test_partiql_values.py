from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.scenarios import table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

INSERT = "INSERT INTO TABLE VALUE {'pk': ?, 'sk': ?, 'v': ?}"


def stored_as(cloud: LocalCloud, value: dict[str, Any], sk: str = "a") -> Any:
    """What an attribute is after an insert, or the code with which the statement is refused."""
    name, client = table(cloud), cloud.client("dynamodb")
    parameters = [{"S": "p"}, {"S": sk}, value]
    statement = {"Statement": INSERT.replace("TABLE", f'"{name}"'), "Parameters": parameters}
    response = client.batch_execute_statement(Statements=[statement])["Responses"][0]
    if "Error" in response:
        return response["Error"]["Code"]
    return client.get_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": sk}})["Item"]["v"]


@pytest.mark.parametrize(
    ("spelled", "form"), [("1.10", "1.1"), ("007", "7"), ("1e2", "100"), ("-0", "0"), ("1" * 38, "1" * 38)]
)
def test_numbers_have_one_form(corrected: LocalCloud, spelled: str, form: str) -> None:
    assert stored_as(corrected, {"N": spelled}) == {"N": form}
    assert stored_as(corrected, {"M": {"l": {"L": [{"N": spelled}]}}}) == {"M": {"l": {"L": [{"N": form}]}}}


@pytest.mark.parametrize("spelled", ["1" * 39, "1e126", "1e-131", "NaN", "one"])
def test_other_numbers_refuse_their_statement(corrected: LocalCloud, spelled: str) -> None:
    assert stored_as(corrected, {"N": spelled}) == "ValidationError"
    assert stored_as(corrected, {"M": {"l": {"L": [{"N": spelled}]}}}) == "ValidationError"


@pytest.mark.parametrize("sk", ["", "k" * 1025])
def test_keys_are_checked(corrected: LocalCloud, sk: str) -> None:
    assert stored_as(corrected, {"S": "v"}, sk) == "ValidationError"


def test_other_values_are_stored_unharmed(corrected: LocalCloud) -> None:
    value = {
        "M": {"e": {"S": ""}, "l": {"L": [{"NULL": True}, {"BOOL": False}]}, "u": {"S": "é\x00😀"}, "m": {"M": {}}}
    }
    assert stored_as(corrected, value) == value


def test_as_it_comes_numbers_keep_their_spelling(as_it_comes: LocalCloud) -> None:
    for spelled in ("1.10", "1" * 39, "1e126"):
        assert stored_as(as_it_comes, {"N": spelled}) == {"N": spelled}
