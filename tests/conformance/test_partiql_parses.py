"""A batch parses each of its statements once; as it comes, more often. The answers are the same."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.paths import EMULATOR_PYTHON, ROOT
from tests.conformance.scenarios import table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

COUNTED = """
import json
from ministack.services import dynamodb
parse, counted = dynamodb._parse_partiql, []
dynamodb._parse_partiql = lambda statement, parameters: counted.append(statement) or parse(statement, parameters)
{correction}
key = {{"AttributeName": "pk"}}
dynamodb._create_table({{"TableName": "things", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [key | {{"KeyType": "HASH"}}], "AttributeDefinitions": [key | {{"AttributeType": "S"}}]}})
for name in ("a", "b"):
    dynamodb._put_item({{"TableName": "things", "Item": {{"pk": {{"S": name}}}}}})
text = "UPDATE things SET n = ? WHERE pk = ?"
batch = [{{"Statement": text, "Parameters": [{{"N": str(n)}}, {{"S": name}}]}} for n, name in enumerate("ab")]
for _ in range(2):
    assert dynamodb._batch_execute_statement({{"Statements": batch}})[0] == 200
items = [json.loads(dynamodb._get_item({{"TableName": "things", "Key": {{"pk": {{"S": name}}}}}})[2]) for name in "ab"]
assert [item["Item"]["n"]["N"] for item in items] == ["0", "1"]
print(json.dumps(len(counted) / (2 * len(batch))))
"""
CORRECTION = """
from local_cloud.corrections import partiql_batches, partiql_parses
partiql_batches.apply()
partiql_parses.apply()
"""


@pytest.mark.parametrize(("correction", "times"), [(CORRECTION, 1), ("", 2)], ids=["corrected", "as it comes"])
def test_a_statement_of_a_batch_is_parsed_once(correction: str, times: int) -> None:
    program = COUNTED.format(correction=correction)
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == times


def answers(cloud: LocalCloud) -> list[Any]:
    """What a batch of a good statement, a wrong one, and good ones without parameters and with the same answers."""
    name, client = table(cloud), cloud.client("dynamodb")
    client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": "a"}})
    batch: list[Any] = [
        {
            "Statement": f'UPDATE "{name}" SET n=? WHERE pk=? AND sk=? AND n IS MISSING',
            "Parameters": [{"N": "1"}, {"S": "p"}, {"S": "a"}],
        },
        {"Statement": f'UPDATE "{name}" SET', "Parameters": [{"N": "1"}]},
        {"Statement": f"DELETE FROM \"{name}\" WHERE pk='q' AND sk='a'"},
        {
            "Statement": f'UPDATE "{name}" SET n=? WHERE pk=? AND sk=?',
            "Parameters": [{"N": "1"}, {"S": "r"}, {"S": "a"}],
        },
    ]
    twice = [client.batch_execute_statement(Statements=batch)["Responses"] for _ in range(2)]
    return [[response.get("Error", {}).get("Code") for response in responses] for responses in twice]


def test_what_a_batch_answers_is_the_same_and_of_its_own_time(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    gone = "ConditionalCheckFailed"
    expected = [[None, "ValidationError", None, gone], [gone, "ValidationError", None, gone]]
    assert answers(corrected) == expected
    assert answers(as_it_comes) == expected
