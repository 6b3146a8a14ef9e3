from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.legacy.items import LegacyItem, instant
from switchboard.backfill.legacy.mapping import DEFAULT_MAPPING, MAX_BYTES, LegacyMapping, Unmapped
from switchboard.backfill.legacy.sample import legacy_sample
from switchboard.cdr.record import Record
from switchboard.contracts import LEGACY_MAPPING, contract
from switchboard.schema import cdr, legacy
from tests.unit.backfill.legacy.imports import consumed, old, rekeying

EXAMPLE = Path(__file__).parents[4] / "docs" / "examples" / "legacy-mapping.json"
AT = datetime(2025, 11, 21, 0, 8, 12, 345678, tzinfo=UTC)


def mapping(**parts: Any) -> dict[str, Any]:
    return {**DEFAULT_MAPPING, **parts}


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("1763683692", AT.replace(microsecond=0)),
        ("1763683692.345678", AT),
        ("1763683692345", AT.replace(microsecond=345000)),
        ("1763683692345678", AT),
        ("1763683692345678999", AT),
        ("100000000", datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        ("100000000000", datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        ("99999999999", datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        ("99999999", None),
        ("100000000000000000000", None),
        ("-1763683692", None),
        ("0", None),
    ],
)
def test_the_magnitude_of_a_timestamp_tells_its_unit(timestamp: str, expected: datetime | None) -> None:
    assert instant(timestamp) == expected


def test_one_content_has_one_hash_however_it_is_spelled() -> None:
    one = old("1.50", tags={"SS": ["b", "a"]}, sizes={"NS": ["10", "2.0"]}, raw={"B": b"x"}, parts={"BS": [b"2", b"1"]})
    other = old(
        "1.5", parts={"BS": [b"1", b"2"]}, raw={"B": b"x"}, sizes={"NS": ["2", "10.0"]}, tags={"SS": ["a", "b"]}
    )
    assert LegacyItem.of(one).hash == LegacyItem.of(other).hash != LegacyItem.of(old("1.5")).hash
    assert LegacyItem.from_canonical(LegacyItem.of(one).canonical).hash == LegacyItem.of(one).hash


def test_what_no_field_repeats_is_in_the_data() -> None:
    item = consumed(
        1763683692,
        subscriber_id={"N": "77"},
        tags={"SS": ["b", "a"]},
        sizes={"NS": ["10", "2.5"]},
        raw={"B": b"\x00\xff"},
        nested={"M": {"k": {"L": [{"BOOL": True}, {"NULL": True}, {"B": b"a"}]}}},
        ttl={"N": "1"},
    )
    fields = LegacyMapping(mapping(leave_out=["ttl"])).fields(LegacyItem.of(item))
    assert fields == {
        "source": "legacy",
        "id": "legacy:1763683692:s-1",
        "type": "consume",
        "time": "2025-11-21T00:08:12.000000Z",
        "sponsor_id": "s-1",
        "sponsorship_id": "sp-1",
        "subscriber_id": "77",
        "data": {
            "subscriber_id": 77,
            "tags": ["a", "b"],
            "sizes": [2.5, 10],
            "raw": "AP8=",
            "nested": {"k": [True, None, "YQ=="]},
        },
    }


def test_a_rule_takes_the_first_place_that_has_anything() -> None:
    rules = LegacyMapping(
        mapping(
            source="qm/old",
            type={"first_of": ["/kind", "/a~1b/x"], "values": {"U": "consume", "7": "expire"}, "otherwise": "create"},
            sponsorship_id={"first_of": ["/campaign"], "prefix": "sp-"},
        )
    )

    def fields(**attributes: Any) -> dict[str, Any]:
        return rules.fields(LegacyItem.of(old(1763683692, campaign="9", **attributes)))

    assert fields(kind="U")["type"] == "consume"
    assert fields(kind={"NULL": True}, **{"a/b": {"M": {"x": {"N": "7.0"}}}})["type"] == "expire"
    assert fields(kind="unlisted")["type"] == fields()["type"] == "create"
    assert (fields()["sponsorship_id"], fields()["source"], fields()["data"]) == ("sp-9", "qm/old", {"campaign": "9"})


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (old(1763683692, type="consume"), {("/sponsorship_id", "required")}),
        (old(1763683692), {("/type", "required"), ("/sponsorship_id", "required")}),
        (consumed(1763683692, type={"SS": ["consume"]}), {("/type", "type")}),
        (consumed(12), {("/timestamp", "range")}),
    ],
)
def test_an_item_without_what_the_rules_need_says_where(item: Any, where: set[tuple[str, str]]) -> None:
    with pytest.raises(Unmapped) as unmapped:
        LegacyMapping(DEFAULT_MAPPING).fields(LegacyItem.of(item))
    assert {(error.path, error.code.value) for error in unmapped.value.errors} == where


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"schema": legacy.MAPPING_SCHEMA, "type": {"otherwise": "consume"}}, "/sponsorship_id: missing: add it"),
        (mapping(colour="red"), "expected no other fields than schema, source, type"),
        (mapping(type={"first_of": ["kind"]}), "/type/first_of/0: expected a JSON pointer"),
        (mapping(type={"otherwise": "secret"}), "/type/otherwise: expected one of create"),
        (mapping(type={}), "/type: expected an object with first_of or otherwise"),
        (mapping(source="not an id"), "/source: expected"),
        ([], "expected"),
    ],
)
def test_a_mapping_that_breaks_its_contract_is_refused_with_the_place_and_the_remedy(document: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        LegacyMapping.parse(json.dumps(document).encode())
    assert told in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "red" not in str(refused.value).split()


@pytest.mark.parametrize("text", [b"{", b"\xff", b" " * (MAX_BYTES + 1), b"[" * 20_000])
def test_what_is_no_mapping_at_all_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput, match="mapping: expected"):
        LegacyMapping.parse(text)


def test_the_example_and_the_contract_say_what_the_code_says() -> None:
    assert LegacyMapping.parse(EXAMPLE.read_bytes()).document["schema"] == legacy.MAPPING_SCHEMA
    published = contract(LEGACY_MAPPING)
    assert published["properties"]["schema"]["const"] == legacy.MAPPING_SCHEMA
    assert published["properties"]["source"]["default"] == legacy.SOURCE
    assert tuple(published["definitions"]["record_type"]["enum"]) == cdr.RECORD_TYPES
    assert published["definitions"]["identifier"]["pattern"] == cdr.ID_PATTERN


def test_samples_become_what_they_say_they_become() -> None:
    read = [rekeying()(LegacyItem.of(legacy_sample(number, 0.3))) for number in range(400)]
    reasons = [each.reason for each in read if not isinstance(each, Record)]
    assert 0.2 * 400 < len(reasons) < 0.4 * 400
    assert set(reasons) == {legacy.UNMAPPED, cdr.REJECTED}
    assert {each.type for each in read if isinstance(each, Record)} == set(cdr.RECORD_TYPES)
    assert all(isinstance(rekeying()(LegacyItem.of(legacy_sample(number, 0.0))), Record) for number in range(50))
