from __future__ import annotations

from typing import Any

import fastjsonschema
import pytest

from switchboard.cdr.reading import answers
from switchboard.contracts import CDR_QUERY_RESULT, contract
from switchboard.schema import cdr
from tests.unit.cdr.query_table import TABLE, QueryTable, stored, within

check = fastjsonschema.compile(contract(CDR_QUERY_RESULT))
TIMES = {"from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z"}
ITEMS = [
    stored(record_id="r-1", data={"bytes": {"N": "7"}}),
    stored(record_id="r-2", subscriber_id="p-7", expires_at=1_800_000_000),
    stored(record_id="r-3", record_type=cdr.EXPIRE, sk=cdr.first_key(cdr.EXPIRE, None)),
]


@pytest.mark.parametrize("limit", [{}, {"limit": 1}])
@pytest.mark.parametrize("query", cdr.QUERIES)
def test_every_answer_keeps_the_published_contract(query: str, limit: dict[str, int]) -> None:
    fields: dict[str, dict[str, Any]] = {
        "history": {"sponsorship_id": "sp-1", **limit},
        "first": {"sponsorship_id": "sp-1", "type": cdr.EXPIRE},
        "by_sponsor": {"sponsor_id": "s-1", **TIMES, **limit},
        "by_time": {**TIMES, **limit},
    }
    request = {"query": query, **fields[query]}
    for items in (ITEMS, []):
        client: Any = QueryTable(list(items))
        answer = answers.answer(request, client=client, table=TABLE, budget=within())
        assert check(answer) == answer


@pytest.mark.parametrize("key", [cdr.PK, cdr.SK, cdr.SPONSOR_SHARD, cdr.PAYLOAD_HASH, cdr.OCCURRED_AT])
def test_the_published_contract_has_no_room_for_keys(key: str) -> None:
    client: Any = QueryTable(list(ITEMS))
    answer = answers.answer({"query": "history", "sponsorship_id": "sp-1"}, client=client, table=TABLE, budget=within())
    answer["records"][0][key] = "x"
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        check(answer)
