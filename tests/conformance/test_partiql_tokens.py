"""A statement's text is cut into tokens once; as it comes, each time."""

from __future__ import annotations

import subprocess

import pytest

from local_cloud.paths import EMULATOR_PYTHON, ROOT

CUT_TWICE = """
from ministack.services import _dynamodb_keywords as keywords
{correction}
text = "INSERT INTO \\"t\\" VALUE {{'pk': ?}}"
first, second = keywords._tokenize(text), keywords._tokenize(text)
assert first == second
print(first is second)
for value in ("a", "b"):
    assert keywords.parse_statement(text, [{{"S": value}}])["item"] == {{"pk": {{"S": value}}}}
"""
CORRECTION = "from local_cloud.corrections import partiql_tokens; partiql_tokens.apply()"


@pytest.mark.parametrize(
    ("correction", "once"), [(CORRECTION, "True"), ("", "False")], ids=["corrected", "as it comes"]
)
def test_a_text_is_cut_into_tokens_once(correction: str, once: str) -> None:
    program = CUT_TWICE.format(correction=correction)
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == once, done.stderr
