"""What is a record, and everything that is told about one that is not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.cdr.fields import Code, FieldError, pointer
from switchboard.cdr.record import Record
from switchboard.cdr.results import Rejected
from switchboard.cdr.validation import RecordContract, readable_id
from switchboard.contracts import CDR_REQUEST, contract
from switchboard.dynamo.values import item_size
from switchboard.schema import cdr
from switchboard.times import to_fixed
from tests.unit.cdr.cdr_table import NOW, raw, record

FOREVER = RecordContract(retention=None)
PUBLISHED = fastjsonschema.compile({**contract(CDR_REQUEST), "if": False}, use_formats=False)


def errors(fields: Any, *, contract_: RecordContract = FOREVER) -> dict[str, str]:
    read = contract_.read(fields, now=NOW)
    assert isinstance(read, Rejected)
    told = {error.path: error.code.value for error in read.errors}
    assert len(told) == len(read.errors)
    return told


def nested(levels: int, leaf: Any = 1) -> dict[str, Any]:
    """`data` whose deepest leaf stands at level `levels` of the attribute."""
    for _ in range(levels - 1):
        leaf = {"n": leaf}
    assert isinstance(leaf, dict)
    return leaf


@pytest.mark.parametrize("name", ["source", "id", "type", "time", "sponsor_id", "sponsorship_id"])
def test_a_missing_field_is_required(name: str) -> None:
    assert errors(raw(**{name: None})) == {f"/{name}": "required"}


def test_subscriber_and_data_may_be_left_out() -> None:
    assert isinstance(FOREVER.read(raw(subscriber_id=None, data=None), now=NOW), Record)


@pytest.mark.parametrize("name", ["source", "id", "type", "time", "sponsor_id", "sponsorship_id", "subscriber_id"])
@pytest.mark.parametrize("value", [7, 1.5, True, [], {}], ids=repr)
def test_a_field_of_another_type_is_named(name: str, value: Any) -> None:
    assert errors(raw(**{name: value})) == {f"/{name}": "type"}
    assert errors({**raw(), name: None}) == {f"/{name}": "type"}


@pytest.mark.parametrize("name", ["source", "id", "sponsor_id", "sponsorship_id", "subscriber_id"])
@pytest.mark.parametrize("value", ["", "a#b", "a b", "ü", "a\n", "\ud800", "a$"], ids=repr)
def test_an_identifier_of_another_form_is_named(name: str, value: str) -> None:
    assert errors(raw(**{name: value})) == {f"/{name}": "format"}


@pytest.mark.parametrize("name", ["source", "id", "sponsor_id", "sponsorship_id", "subscriber_id"])
def test_an_identifier_of_129_characters_is_too_long_and_nothing_else(name: str) -> None:
    assert errors(raw(**{name: "x" * 129})) == {f"/{name}": "too_long"}
    assert isinstance(FOREVER.read(raw(**{name: "x" * 128}), now=NOW), Record)


def test_no_subscriber_is_called_like_none() -> None:
    assert errors(raw(subscriber_id="-")) == {"/subscriber_id": "format"}


def test_an_unknown_type_is_named() -> None:
    assert errors(raw(type="first_expire")) == {"/type": "format"}


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T00:08:12",
        "2026-11-21 00:08:12Z",
        "2026-11-21",
        "2026-11-21T00:08Z",
        "2026-11-20T23:59:60Z",
        "2026-11-20T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T00:08:12+0100",
        "2026-11-21T00:08:12.Z",
        "٢٠٢٦-11-21T00:08:12Z",
        "0001-01-01T00:00:00+01:00",
        "yesterday",
    ],
)
def test_a_time_without_zone_or_calendar_is_a_format_error(value: str) -> None:
    assert errors(raw(time=value)) == {"/time": "format"}


def test_a_time_is_at_most_five_minutes_in_the_future() -> None:
    limit = NOW + timedelta(seconds=cdr.MAX_FUTURE_SECONDS)
    assert isinstance(FOREVER.read(raw(time=to_fixed(limit)), now=NOW), Record)
    assert errors(raw(time=to_fixed(limit + timedelta(microseconds=1)))) == {"/time": "range"}


def test_a_time_older_than_the_retention_is_out_of_range() -> None:
    month = RecordContract(retention=timedelta(days=30))
    oldest = NOW - timedelta(days=30)
    assert isinstance(month.read(raw(time=to_fixed(oldest)), now=NOW), Record)
    old = raw(time=to_fixed(oldest - timedelta(microseconds=1)))
    assert errors(old, contract_=month) == {"/time": "range"}
    assert isinstance(FOREVER.read(old, now=NOW), Record)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), float("-inf"), 10**38 + 1, int("1" * 39), 1e126, 10**126, 1e-131, -1e-300],
    ids=repr,
)
def test_a_number_dynamodb_cannot_hold_is_named(value: float) -> None:
    assert errors(raw(data={"a": [0, value]})) == {"/data/a/1": "number"}


def test_a_number_with_a_fraction_is_read_as_a_double_as_the_contract_says() -> None:
    def read(number: str) -> Any:
        return record(**json.loads(f'{{"data": {{"n": {number}}}}}')).content["data"]

    assert "double" in contract(CDR_REQUEST)["description"]
    # Lambda's runtime parses a request before this code sees it; the queue reads the same, so that identities agree.
    assert read("12345678901234567.89") == read("12345678901234567.01") == read("1.2345678901234568e16")
    assert read("0.12345678901234568") != read("0.12345678901234566")
    assert read("12345678901234567890123456789012345678") != read("12345678901234567890123456789012345679")
    assert read('"12345678901234567.89"') != read('"12345678901234567.01"')


@pytest.mark.parametrize("value", [10**125, int("9" * 38), 1e125, 1e-130, 0.0, -0.0, 5e-100], ids=repr)
def test_a_number_at_dynamodbs_limits_is_stored(value: float) -> None:
    assert isinstance(FOREVER.read(raw(data={"a": value}), now=NOW), Record)


def test_text_that_is_no_unicode_and_a_field_without_name_are_named() -> None:
    data = {"a": "\ud800", "b\udfff": 1, "": 2, "c/d~e": {"": 3}}
    assert errors(raw(data=data)) == {
        "/data/a": "text",
        "/data/b?": "text",
        "/data/": "text",
        "/data/c~1d~0e/": "text",
    }


def test_data_nests_as_deep_as_dynamodb_lets_it_and_no_deeper() -> None:
    assert isinstance(FOREVER.read(raw(data=nested(32)), now=NOW), Record)
    assert list(errors(raw(data=nested(33))).values()) == ["too_large"]
    assert list(errors(raw(data=nested(900))).values()) == ["too_large"]


@pytest.mark.parametrize("kind", cdr.RECORD_TYPES)
@pytest.mark.parametrize("character", ["x", "ü", "\n", "😀"])
def test_a_record_is_at_most_32_kb_as_stored(kind: str, character: str) -> None:
    def sized(count: int) -> dict[str, Any]:
        return raw(type=kind, data={"d": character * count})

    small = record(type=kind, data={"d": ""})
    item = small.item(small.earlier_sk or small.sk, recorded_at=to_fixed(NOW), expires_at=2_000_000_000)
    # The placeholder of the largest expiry has six bytes of number more than this one at the most.
    room = (cdr.MAX_STORED_BYTES - item_size(item)) // len(character.encode())
    assert isinstance(FOREVER.read(sized(room - 6), now=NOW), Record)
    assert errors(sized(room + 1)) == {"/data": "too_large"}


def test_all_that_is_wrong_is_told_at_once() -> None:
    fields = {
        "source": "a#b",
        "id": 7,
        "type": "consume",
        "time": "2027-01-01T00:00:00Z",
        "sponsorship_id": "x" * 200,
        "subscriber_id": "-",
        "data": {"n": float("nan"), "t": "\ud800"},
        "extra": 1,
        "a/b": 2,
    }
    assert errors(fields) == {
        "/source": "format",
        "/id": "type",
        "/time": "range",
        "/sponsor_id": "required",
        "/sponsorship_id": "too_long",
        "/subscriber_id": "format",
        "/data/n": "number",
        "/data/t": "text",
        "/extra": "unknown_field",
        "/a~1b": "unknown_field",
    }


@pytest.mark.parametrize("value", [None, 7, "text", [], [raw()], True], ids=repr)
def test_what_is_no_object_is_a_record_of_the_wrong_type(value: Any) -> None:
    assert errors(value) == {"": "type"}


def test_no_message_repeats_what_was_sent() -> None:
    marker = "zebra"
    fields = dict.fromkeys(raw(), marker + "#") | {"data": {"a": "\ud800" + marker}, "type": [marker]}
    read = FOREVER.read(fields, now=NOW)
    assert isinstance(read, Rejected)
    assert marker not in json.dumps([error.message for error in read.errors])


def test_the_number_of_errors_and_the_length_of_their_pointers_are_bounded() -> None:
    fields = raw(data={str(n): float("nan") for n in range(500)}) | {f"{n}" + "x" * 5_000: 1 for n in range(500)}
    read = FOREVER.read(fields, now=NOW)
    assert isinstance(read, Rejected)
    assert len(read.errors) <= 40
    assert max(len(error.path) for error in read.errors) <= 512


def test_an_id_is_readable_only_in_its_own_form() -> None:
    assert readable_id(raw(id="a/b:c")) == "a/b:c"
    assert [readable_id(each) for each in (raw(id="a#b"), raw(id=7), raw(id=None), "text", None, raw(id="a\n"))] == [
        None
    ] * 6


def test_a_pointer_escapes_as_rfc_6901_says() -> None:
    assert pointer("a/b", "m~n", 0, "") == "/a~1b/m~0n/0/"


def test_a_pointer_that_would_be_too_long_names_what_is_around_it() -> None:
    assert pointer("data", "x" * 400, "y" * 400) == "/data/" + "x" * 400
    assert pointer("data", "\0" * 83, "\0") == "/data/" + "\0" * 83
    assert pointer("data", "\0" * 90, "\0") == "/data"
    assert pointer("data", "ü\ud800", "n") == "/data/ü?/n"
    assert pointer("x" * 511) == ""


def test_the_pointer_of_a_nested_fault_leads_to_what_was_sent() -> None:
    deep: Any = float("nan")
    for level in range(20):
        deep = {f"{'n' * 40}~/{level}": deep, "other": float("nan")}
    read = FOREVER.read(raw(data=deep), now=NOW)
    assert isinstance(read, Rejected)
    for error in read.errors:
        at: Any = raw(data=deep)
        for token in error.path.split("/")[1:]:
            at = at[token.replace("~1", "/").replace("~0", "~")]
    assert len({error.path for error in read.errors}) == len(read.errors) > 10


def test_an_error_seen_from_an_envelope_points_into_it() -> None:
    assert FieldError("/time", Code.FORMAT, "m").below("/records/3").as_json()["path"] == "/records/3/time"


SCHEMA_TIME = st.sampled_from(["2026-11-21T00:00:00Z", "2026-11-21T00:00:00+05:30", "2026-11-21T00:00:00", "x", ""])
TEXTS = st.one_of(
    st.sampled_from(["a", "-", "a#b", "", "x" * 128, "x" * 129, "consume", "create", "é"]), st.text(max_size=3)
)
VALUES = st.one_of(TEXTS, SCHEMA_TIME, st.none(), st.integers(), st.booleans(), st.just({}), st.just([]))
FIELDS = st.one_of(st.sampled_from(sorted(raw())), st.text(max_size=3))


@given(changes=st.dictionaries(FIELDS, VALUES, max_size=4), gone=st.sets(st.sampled_from(sorted(raw())), max_size=2))
def test_the_writer_and_the_published_schema_agree(changes: dict[str, Any], gone: set[str]) -> None:
    fields = {name: value for name, value in {**raw(), **changes}.items() if name not in gone}
    try:
        PUBLISHED(fields)
        conforms = True
    except fastjsonschema.JsonSchemaException:
        conforms = False
    read = FOREVER.read(fields, now=NOW)
    assert isinstance(read, Record) == conforms
    if isinstance(read, Rejected):
        assert read.errors
