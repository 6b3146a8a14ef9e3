"""The demo's walk on a stage that is deployed already: what `make demo` promises a newcomer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cli.demo.__main__ import walk_through
from cli.demo.walk import NotShownError, Walk

if TYPE_CHECKING:
    from local_cloud.stage import DeployedStage

STEPS = 18
"""All but the deployment."""


def test_every_step_is_shown_and_proves_something(own: DeployedStage, capsys: pytest.CaptureFixture[str]) -> None:
    walk = Walk(Console(highlight=False))
    walk_through(own, walk)
    walk.close()
    assert len(walk.shown) == STEPS
    assert all(shown.proof for shown in walk.shown)
    printed = capsys.readouterr().out
    assert printed.count("\N{HEAVY CHECK MARK}") > STEPS
    assert f"{STEPS} steps" in printed


def test_a_claim_that_does_not_hold_ends_the_walk() -> None:
    walk = Walk(Console(quiet=True))
    with pytest.raises(NotShownError, match="the moon"), walk.step("A step", "What it is about.") as step:
        step.check("the moon is made of cheese", holds=False)
    assert walk.shown == []
