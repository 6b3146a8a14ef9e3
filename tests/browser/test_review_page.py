"""The page of a review in a real browser: wide and narrow, light and dark, with every name in somebody's bad hands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.review.hostile import HOSTILE, hostile_system, shown
from tests.unit.cli.review.system import System

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.chromium import Tab

WIDE, PHONE = 1_280, 360

SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])

CONTRASTS = """
(() => {
  const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const parts = color.map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] > 250) return color;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const found = {};
  for (const element of document.querySelectorAll("body *:not(script, svg *)")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    if (!element.getClientRects().length) continue;
    const pair = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const name = element.localName + "." + element.className;
    found[name] = Math.min(found[name] ?? 99, ratio);
  }
  return found;
})()
"""
"""The least contrast between text and what is behind it, by element and class (WCAG 2.2, "contrast ratio")."""

CUT_OFF = """
[...document.querySelectorAll("main *")]
  .filter((each) => each.getClientRects().length && !each.closest(".scroll, pre, svg"))
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((each) => each.localName + "." + each.className)
"""

VISIBLE = "[...document.querySelectorAll('#matrix tbody tr')].filter((row) => row.getClientRects().length).length"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "review.html").write_text(shown(hostile_system(), folder, System()), encoding="utf-8")
    return folder / "review.html"


def entered(tab: Tab, **fields: Any) -> int:
    """How many rows are seen after a person filled in the filter."""
    for name, value in fields.items():
        kind = "checked" if isinstance(value, bool) else "value"
        tab.value(f"void (document.querySelector('#filter').elements.{name}.{kind} = {json.dumps(value)})")
    tab.value("void document.querySelector('#filter').dispatchEvent(new Event('input', {bubbles: true}))")
    return int(tab.value(VISIBLE))


@SCHEMES
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_it_opens_without_a_complaint_and_asks_for_nothing(
    tab: Tab, file: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    tab.complaints.clear()
    tab.open(file, width=width, dark=dark)
    assert tab.complaints == []
    assert tab.requests() == [file.as_uri()]
    tab.picture(tmp_path / "review.png")
    assert (tmp_path / "review.png").stat().st_size > 10_000


@pytest.mark.parametrize("width", [WIDE, PHONE, 320])
def test_nothing_sticks_out_of_the_page(tab: Tab, file: Path, width: int) -> None:
    tab.open(file, width=width)
    tab.value("document.querySelectorAll('details:not([name])').forEach((each) => (each.open = true))")
    assert tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert tab.value(CUT_OFF) == []


@SCHEMES
def test_every_text_stands_out_from_what_is_behind_it(tab: Tab, file: Path, dark: bool) -> None:
    tab.open(file, width=WIDE, dark=dark)
    tab.value("document.querySelectorAll('details:not([name])').forEach((each) => (each.open = true))")
    contrasts = tab.value(CONTRASTS)
    assert len(contrasts) > 20
    assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}


def test_light_and_dark_differ(tab: Tab, file: Path) -> None:
    backgrounds = []
    for dark in (False, True):
        tab.open(file, width=WIDE, dark=dark)
        backgrounds.append(tab.value("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds[0] != backgrounds[1]


def test_the_picture_is_there_and_its_names_fit(tab: Tab, file: Path) -> None:
    tab.open(file, width=WIDE)
    for side, least in (("width", 600), ("height", 200)):
        assert tab.value(f"document.querySelector('svg.system').getBoundingClientRect().{side}") > least
    assert tab.value("document.querySelectorAll('details[open] svg.system g.node').length") > 10
    too_wide = """
    [...document.querySelectorAll("details[open] svg.system g.node")]
      .filter((node) => node.querySelector("text").getBBox().width > node.querySelector("rect").getBBox().width)
      .map((node) => node.textContent)
    """
    assert tab.value(too_wide) == []


def test_a_pointer_at_a_node_shows_what_it_is_joined_to(tab: Tab, file: Path) -> None:
    tab.open(file, width=WIDE)
    tab.value("document.querySelector('details[open] svg.system g.role').dispatchEvent(new Event('pointerenter'))")
    assert tab.value("document.querySelector('details[open] svg.system').classList.contains('lit')") is True
    assert tab.value("document.querySelectorAll('details[open] svg.system g.node.on').length") > 1


def test_the_matrix_filters(tab: Tab, file: Path) -> None:
    tab.open(file, width=WIDE)
    everything = tab.value(VISIBLE)
    assert everything == tab.value("document.querySelectorAll('#matrix tbody tr').length")
    assert entered(tab, text="OnlyCreate partiql") == 1
    assert "1 of" in tab.value("document.querySelector('#shown').value")
    assert entered(tab, text="nothing has this name") == 0
    assert entered(tab, text="", wildcards=True) < everything
    assert entered(tab, wildcards=False, stage="dev") == 5
    assert entered(tab, stage="") == everything


def test_without_scripts_the_whole_matrix_is_there(tab: Tab, file: Path) -> None:
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(file, width=WIDE)
        hidden = "[...document.querySelectorAll('#matrix tbody tr')].filter((row) => row.hidden).length"
        assert tab.value(hidden) == 0
        assert tab.value("document.querySelector('#filter').hidden") is True
    finally:
        tab.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_hostile_names_run_nothing(tab: Tab, file: Path) -> None:
    tab.open(file, width=WIDE)
    assert tab.value("document.querySelectorAll('main script, main img, main iframe').length") == 0
    text = tab.value("document.body.textContent")
    assert HOSTILE[0] in text
    assert "U+202E" in text
