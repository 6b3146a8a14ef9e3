"""Settings are read strictly, and a missing one is named."""

from __future__ import annotations

import pytest

from switchboard.environment import InvalidSetting, MissingSetting, optional, optional_days, required


@pytest.mark.parametrize("environ", [{}, {"TABLE": ""}])
def test_a_missing_variable_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(MissingSetting, match="TABLE is not set") as missing:
        required(environ, "TABLE")
    assert missing.value.name == "TABLE"
    assert optional(environ, "TABLE") is None
    assert optional_days(environ, "TABLE") is None


def test_what_is_there_is_returned() -> None:
    assert required({"TABLE": "t"}, "TABLE") == optional({"TABLE": "t"}, "TABLE") == "t"
    assert optional_days({"DAYS": "400"}, "DAYS") == 400


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "²"])
def test_days_are_whole_and_positive(text: str) -> None:
    with pytest.raises(InvalidSetting, match="DAYS is not a positive whole number of days"):
        optional_days({"DAYS": text}, "DAYS")
