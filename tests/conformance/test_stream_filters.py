"""A mapping's filter looks at the leaves of a record."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from local_cloud.paths import EMULATOR_PYTHON, ROOT

PROGRAM = """
import json, sys
from ministack.services import lambda_svc
if sys.argv[1] == "corrected":
    from local_cloud.corrections import stream_filters
    stream_filters.apply()
print(json.dumps([lambda_svc._match_esm_filter(record, pattern) for record, pattern in json.load(sys.stdin)]))
"""

ABSENT = {"NewImage": {"opening": {"BOOL": [{"exists": False}]}}}
PRESENT = {"NewImage": {"opening": {"BOOL": [{"exists": True}]}}}
OBJECT_ABSENT = {"NewImage": {"opening": [{"exists": False}]}}
OBJECT_PRESENT = {"NewImage": {"opening": [{"exists": True}]}}
NEW = {"eventName": ["INSERT"], "Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}, **ABSENT}

PLAIN: dict[str, Any] = {"eventName": "INSERT", "Keys": {"pk": {"S": "MSG#g"}}, "NewImage": {"message": {"S": "hi"}}}
OPENING: dict[str, Any] = {**PLAIN, "NewImage": {"opening": {"BOOL": True}}}
REMOVED: dict[str, Any] = {"eventName": "REMOVE", "Keys": {"pk": {"S": "MSG#g"}}}

CASES = [
    (PLAIN, ABSENT, True, False),
    (REMOVED, ABSENT, True, False),
    (OPENING, ABSENT, False, False),
    (OPENING, PRESENT, True, True),
    (PLAIN, PRESENT, False, False),
    (OPENING, OBJECT_ABSENT, True, False),
    (OPENING, OBJECT_PRESENT, False, True),
    (PLAIN, NEW, True, False),
    (OPENING, NEW, False, False),
    (REMOVED, NEW, False, False),
]
"""Record, pattern, whether AWS matches them, and whether the emulator does as it comes."""


@pytest.mark.parametrize(("which", "column"), [("corrected", 2), ("as it comes", 3)])
def test_what_a_filter_lets_through(which: str, column: int) -> None:
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", PROGRAM, which],
        cwd=ROOT,
        input=json.dumps([case[:2] for case in CASES]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert json.loads(done.stdout) == [case[column] for case in CASES], done.stderr
