"""The rules by which the local cloud treats batches, held to the model of the documented rules."""

from __future__ import annotations

import random
from typing import Any

from local_cloud.corrections.stream_batches import UNLIMITED, Batch, Rules, outcome, sequence_number, split_by_age
from tests.models.poller import Clock, EventSourceMapping

Record = dict[str, Any]
Given = list[tuple[str, list[str]]]
"""What was done with records, by their sequence numbers: the invocations, or the batches given up."""

SCHEDULES = 2_000
NOW, LONG_AGO, MAXIMUM_AGE = 1_000_000.0, 0.0, 500_000


def sequence_numbers(records: list[Record]) -> list[str]:
    return [sequence_number(record) for record in records]


def answer(seed: int, records: list[Record], invocation: int) -> object:
    """What a function does at random, the same for the same seed. Raises `RuntimeError` now and then."""
    dice = random.Random(f"{seed}/{invocation}")
    if dice.random() < 0.15:
        raise RuntimeError
    identifiers: list[object] = [*dice.sample(sequence_numbers(records), dice.randint(1, len(records)))]
    if dice.random() < 0.1:
        identifiers.append(dice.choice(["", None, "unknown"]))
    reported: list[object] = [{"itemIdentifier": identifier} for identifier in identifiers]
    if dice.random() < 0.1:
        reported.append(dice.choice([{"id": identifiers[0]}, "unknown"]))
    if dice.random() < 0.3:
        return dice.choice([None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
    return {"batchItemFailures": reported}


def by_the_model(seed: int, rules: Rules, records: list[Record], size: int) -> tuple[Given, Given]:
    invocations: Given = []

    def handle(event: dict[str, Any]) -> object:
        invocations.append(("invoked", sequence_numbers(event["Records"])))
        return answer(seed, event["Records"], len(invocations))

    mapping = EventSourceMapping(
        handle,
        Clock(NOW),
        batch_size=size,
        maximum_retry_attempts=rules.maximum_retries,
        maximum_record_age=rules.maximum_age_seconds,
        bisect_on_error=rules.bisects,
        report_failures=rules.reads_reports,
    )
    mapping.deliver(records)
    return invocations, [(found.condition, sequence_numbers(found.records)) for found in mapping.discarded]


def by_the_local_cloud(seed: int, rules: Rules, records: list[Record], size: int) -> tuple[Given, Given]:
    invocations: Given = []
    given_up: Given = []
    waiting = [Batch(records[start : start + size]) for start in range(0, len(records), size)][::-1]
    while waiting:
        old, batch = split_by_age(waiting.pop(), rules, NOW)
        if old:
            given_up.append(("RecordAgeExceeded", sequence_numbers(old)))
        if not batch.records:
            continue
        invocations.append(("invoked", sequence_numbers(batch.records)))
        try:
            result: dict[str, Any] = {"body": answer(seed, batch.records, len(invocations))}
        except RuntimeError:
            result = {"error": True, "body": {"errorType": "RuntimeError"}}
        after = outcome(batch, result, rules)
        if after.exhausted is not None:
            given_up.append(("RetryAttemptsExhausted", sequence_numbers(after.exhausted.records)))
        waiting.extend(reversed(after.left))
    return invocations, given_up


def test_any_function_meets_the_same_fate_as_in_the_model(rng: random.Random) -> None:
    fates: set[str] = set()
    for schedule in range(SCHEDULES):
        count = rng.randint(1, 12)
        old = rng.choice([0, 0, rng.randint(0, count)])
        records = [
            {
                "dynamodb": {
                    "SequenceNumber": f"{place:03}",
                    "ApproximateCreationDateTime": LONG_AGO if place < old else NOW,
                }
            }
            for place in range(count)
        ]
        rules = Rules(
            maximum_retries=rng.choice([UNLIMITED, 0, 1, 3]),
            maximum_age_seconds=rng.choice([UNLIMITED, MAXIMUM_AGE]),
            bisects=rng.random() < 0.5,
            reads_reports=rng.random() < 0.8,
        )
        size = rng.randint(1, 12)
        modelled = by_the_model(schedule, rules, records, size)
        assert by_the_local_cloud(schedule, rules, records, size) == modelled, (schedule, rules, size)
        fates.update(kind for found in modelled for kind, _ in found)
    assert fates == {"invoked", "RecordAgeExceeded", "RetryAttemptsExhausted"}


def test_a_throttled_invocation_costs_no_retry() -> None:
    batch = Batch([{"dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": NOW}}])
    rules = Rules(maximum_retries=0, maximum_age_seconds=UNLIMITED, bisects=False, reads_reports=False)
    after = outcome(batch, {"throttle": True, "error": True}, rules)
    assert (after.done, after.left, after.exhausted) == ([], [batch], None)


def test_rules_are_read_as_the_mapping_states_them() -> None:
    defaults = Rules(maximum_retries=-1, maximum_age_seconds=-1, bisects=False, reads_reports=False)
    assert Rules.of({}) == defaults
    stated = {"MaximumRetryAttempts": "0", "MaximumRecordAgeInSeconds": "60", "BisectBatchOnFunctionError": "true"}
    reports = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    expected = Rules(maximum_retries=0, maximum_age_seconds=60, bisects=True, reads_reports=True)
    assert Rules.of(stated | reports) == expected
