"""The examples of the contracts' page and of the README, run against a deployed stage in their own languages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_cloud.paths import ROOT
from tests.integration import commands
from tests.integration.calls import history
from tests.integration.docs.desk import PATIENCE_SECONDS
from tests.integration.test_messages import ask, people
from tests.unit.docs.documents import Block, blocks

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage

CONTRACTS = ROOT / "docs" / "contracts.md"
DEV = "/switchboard/dev/"
PYTHON, RUBY = "python", "ruby"
EXAMPLES = [block for block in blocks(CONTRACTS) if block.language in {PYTHON, RUBY}]
STAND_INS = Path(__file__).parent / "ruby"
"""What the examples use of AWS's gems, for a Ruby without them."""


def interpreter(language: str) -> list[str]:
    """Runs what it reads from standard input."""
    if language == PYTHON:
        return [sys.executable, "-"]
    ruby = shutil.which("ruby")
    if ruby is None:
        pytest.skip("not run: there is no Ruby here; `apt-get install ruby` installs one")
    gems = subprocess.run([ruby, "-e", "require 'aws-sdk-lambda'"], capture_output=True, check=False).returncode == 0
    return [ruby, "-W0", *([] if gems else ["-I", str(STAND_INS)]), "-"]


def run(local: DeployedStage, language: str, text: str) -> str:
    """What an example printed. It has to succeed."""
    done = subprocess.run(
        interpreter(language),
        env=commands.environment(local.cloud),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def readme(language: str) -> str:
    """The README's example, which is written for stage `dev`."""
    (block,) = (block for block in blocks(ROOT / "README.md") if block.language == language)
    assert DEV in block.text
    return block.text.replace(DEV, "/switchboard/local/")


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: f"{block.language}, line {block.line}")
def test_an_example_works(local: DeployedStage, block: Block) -> None:
    assert run(local, block.language, block.text).strip()


def test_the_examples_are_there() -> None:
    assert [block.language for block in EXAMPLES] == [PYTHON, RUBY] * 3


def test_the_example_in_ruby_of_the_readme_stores_its_record(local: DeployedStage) -> None:
    example = readme(RUBY).replace('"sp-901"', '"sp-readme"')
    run(local, RUBY, example)
    run(local, RUBY, example)
    (record,) = history(local, "sp-readme")
    assert record["data"] == {"bytes_down": 9_876_543}


def test_the_example_in_python_of_the_readme_begins_a_conversation(local: DeployedStage, rng: random.Random) -> None:
    ada, ben = people(local, rng, 2)
    run(local, PYTHON, f"ada, ben = {ada!r}, {ben!r}\n{readme(PYTHON)}")
    (group,) = ask(local, "list_message_groups", ada)["message_groups"]
    assert (group["other_user_uuid"], group["last_message"]) == (ben, "Ben! Are you there?")
