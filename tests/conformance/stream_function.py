"""A function whose misbehaviour is scripted, so that the model and the local cloud can be given the same one.

It is deployed as it stands here. It notes what it is given, a line for each invocation, in the file `NOTES`; the script
in `SCRIPT` says by the number of the invocation and by the record what it answers.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

Script = dict[str, Any]
"""`raises` and `reports`: the records that always do that. `at`: by number of the invocation, `raise` or the list of
records (or of other identifiers) to report. `seed`: anything may happen in an invocation, except that the records of
`END` are always taken."""

END = "end"


def handle(event: dict[str, Any], context: object) -> Any:  # noqa: ARG001 - the entry point of a function
    notes = Path(os.environ["NOTES"])
    number = len(notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else 0
    with notes.open("a", encoding="utf-8") as file:
        file.write(json.dumps(names(event["Records"])) + "\n")
    return answer(json.loads(os.environ["SCRIPT"]), event["Records"], number)


def names(records: list[dict[str, Any]]) -> list[str]:
    """The records by the sort keys of their items."""
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]


def answer(script: Script, records: list[dict[str, Any]], number: int) -> Any:
    """What the function answers in the invocation `number`, from 0. Raises `ValueError` where it is told to."""
    given = names(records)
    if given == [END]:
        return None
    step = script.get("at", {}).get(str(number), [])
    if "seed" in script:
        step = at_random(random.Random(f"{script['seed']}/{number}"), given)
    if step == "raise" or set(given) & set(script.get("raises", [])):
        raise ValueError("no")
    numbers = {name: record["dynamodb"]["SequenceNumber"] for name, record in zip(given, records, strict=True)}
    reported = [numbers.get(name, name) for name in step] + [
        numbers[n] for n in script.get("reports", []) if n in given
    ]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in reported]}


def at_random(rng: random.Random, given: list[str]) -> Any:
    """A step of a random script: mostly well, else records reported in any order, an unknown one, or an error."""
    chance = rng.random()
    if chance < 0.4:
        return []
    if chance < 0.8:
        return rng.sample(given, rng.randint(1, len(given)))
    return ["unknown"] if chance < 0.9 else "raise"
