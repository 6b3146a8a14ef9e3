"""The documented rules of an event source mapping, one by one, so that what rests on the model rests on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.models.poller import Blocked, Clock, Discarded, EventSourceMapping

if TYPE_CHECKING:
    from collections.abc import Callable


def records(count: int, created: float = 0.0) -> list[dict[str, Any]]:
    return [
        {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": created}}
        for number in range(1, count + 1)
    ]


def numbers(batch: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in batch]


class Function:
    """Remembers each batch by its numbers and answers what `answer` says of it."""

    def __init__(self, answer: Callable[[list[int]], object]) -> None:
        self.batches: list[list[int]] = []
        self._answer = answer

    def __call__(self, event: dict[str, Any]) -> object:
        self.batches.append(numbers(event["Records"]))
        return self._answer(self.batches[-1])


def failed(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def error(_: list[int]) -> object:
    raise RuntimeError


def first_time(answer: object) -> Callable[[list[int]], object]:
    """Answers `answer` once and then that all went well."""
    answers = [answer]
    return lambda _: answers.pop() if answers else None


def test_records_come_in_order_and_in_batches() -> None:
    function = Function(lambda _: None)

    EventSourceMapping(function, Clock(), batch_size=2).deliver(records(5))

    assert function.batches == [[1, 2], [3, 4], [5]]


def test_the_lowest_reported_number_is_the_checkpoint_and_everything_after_it_comes_again() -> None:
    function = Function(first_time(failed("4", "2")))

    EventSourceMapping(function, Clock(), report_failures=True).deliver(records(5))

    assert function.batches == [[1, 2, 3, 4, 5], [2, 3, 4, 5]]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_without_failures_is_a_success(answer: object) -> None:
    function = Function(lambda _: answer)

    EventSourceMapping(function, Clock(), report_failures=True).deliver(records(3))

    assert function.batches == [[1, 2, 3]]


@pytest.mark.parametrize(
    "answer", [failed(""), failed(None), failed("9"), failed("3", "9"), {"batchItemFailures": [{"id": "2"}]}]
)
def test_an_identifier_that_says_nothing_fails_the_whole_batch(answer: object) -> None:
    function = Function(first_time(answer))

    EventSourceMapping(function, Clock(), report_failures=True).deliver(records(3))

    assert function.batches == [[1, 2, 3], [1, 2, 3]]


def test_failures_are_not_read_where_the_mapping_does_not_ask_for_them() -> None:
    function = Function(lambda _: failed("1"))

    EventSourceMapping(function, Clock()).deliver(records(2))

    assert function.batches == [[1, 2]]


def test_without_limits_one_record_holds_up_its_shard() -> None:
    mapping = EventSourceMapping(Function(error), Clock(), most_invocations=50)

    with pytest.raises(Blocked):
        mapping.deliver(records(1))


def test_attempts_are_bounded_and_the_payload_is_kept() -> None:
    function = Function(lambda batch: error(batch) if 1 in batch else None)
    mapping = EventSourceMapping(function, Clock(), batch_size=2, maximum_retry_attempts=2)

    mapping.deliver(records(3))

    assert function.batches == [[1, 2], [1, 2], [1, 2], [3]]
    assert mapping.discarded == [Discarded("RetryAttemptsExhausted", records(2))]


def test_the_age_of_records_is_bounded() -> None:
    clock = Clock(now=100.0)
    mapping = EventSourceMapping(Function(error), clock, maximum_record_age=30)

    mapping.deliver(records(2, created=100.0))

    assert mapping.discarded == [Discarded("RecordAgeExceeded", records(2, created=100.0))]
    assert 130 < clock.now < 200


def test_only_what_is_too_old_is_given_up_and_the_rest_of_the_batch_is_delivered() -> None:
    function = Function(lambda _: None)
    mapping = EventSourceMapping(function, Clock(now=100.0), maximum_record_age=60)
    old, young = records(3)[:2], records(3, created=50.0)[2:]

    mapping.deliver(old + young)

    assert mapping.discarded == [Discarded("RecordAgeExceeded", old)]
    assert function.batches == [[3]]


def test_delivering_again_from_a_checkpoint_is_a_retry() -> None:
    function = Function(lambda batch: failed(str(min(number for number in batch if number > 1))))
    mapping = EventSourceMapping(function, Clock(), report_failures=True, maximum_retry_attempts=1)

    mapping.deliver(records(3))

    assert function.batches == [[1, 2, 3], [2, 3]]
    assert mapping.discarded == [Discarded("RetryAttemptsExhausted", records(3)[1:])]


def test_bisecting_isolates_a_record_without_costing_attempts() -> None:
    function = Function(lambda batch: error(batch) if 3 in batch else None)
    mapping = EventSourceMapping(function, Clock(), bisect_on_error=True, maximum_retry_attempts=0)

    mapping.deliver(records(4))

    assert function.batches == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]
    assert [numbers(discarded.records) for discarded in mapping.discarded] == [[3]]


def test_a_batch_with_a_checkpoint_is_cut_there() -> None:
    function = Function(first_time(failed("3")))

    EventSourceMapping(function, Clock(), report_failures=True, bisect_on_error=True).deliver(records(4))

    assert function.batches == [[1, 2, 3, 4], [3, 4]]


def test_a_checkpoint_at_the_first_record_is_a_failed_batch_and_cut_in_half() -> None:
    function = Function(first_time(failed("1")))

    EventSourceMapping(function, Clock(), report_failures=True, bisect_on_error=True).deliver(records(4))

    assert function.batches == [[1, 2, 3, 4], [1, 2], [3, 4]]
