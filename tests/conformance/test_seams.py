from __future__ import annotations

import types

import pytest

from local_cloud.corrections import _seam

MODULE = types.SimpleNamespace(__name__="emulator", run=lambda event, context: (event, context), text="no function")


def test_a_seam_of_the_expected_shape_is_handed_over() -> None:
    assert _seam.original(MODULE, "run", "event", "context") is MODULE.run


@pytest.mark.parametrize(
    ("name", "parameters"), [("gone", ()), ("text", ()), ("run", ("event",)), ("run", ("context", "event"))]
)
def test_a_seam_that_changed_is_refused(name: str, parameters: tuple[str, ...]) -> None:
    with pytest.raises(_seam.SeamError, match=name):
        _seam.original(MODULE, name, *parameters)


@pytest.mark.parametrize("text", ["nothing", "old and old"])
def test_a_program_text_that_changed_is_refused(text: str) -> None:
    with pytest.raises(_seam.SeamError):
        _seam.replaced(text, "old", "new")
    assert _seam.replaced("an old text", "old", "new") == "an new text"
