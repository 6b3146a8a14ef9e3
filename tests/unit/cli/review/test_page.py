"""The page is whole by itself, and whatever names templates give to things, it stays what it is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.review.page.texts import condition, place, readable, visible
from tests.unit.cli.review.hostile import HOSTILE, hostile_system, shown
from tests.unit.cli.review.system import System

if TYPE_CHECKING:
    from pathlib import Path

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


class Page(HTMLParser):
    """The elements of a page, and the texts that people see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.script += data
        elif self._inside != "style":
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return shown(hostile_system(), tmp_path_factory.mktemp("hostile"), System())


@pytest.fixture(scope="module")
def parsed(text: str) -> Page:
    return Page(text)


def test_names_from_templates_become_no_elements(parsed: Page) -> None:
    assert len(parsed.all("script")) == 1
    assert parsed.all("img") == []
    assert "alert" not in parsed.script
    for tag, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on") or "alert" in name], tag


def test_names_from_templates_are_still_read(parsed: Page) -> None:
    everything = "".join(parsed.texts)
    for name in HOSTILE:
        assert visible(name) in everything, name
    assert "49" not in [each.strip() for each in parsed.texts]


def test_nothing_turns_the_text_around(text: str) -> None:
    assert OVERRIDE not in text
    assert "\N{ZERO WIDTH SPACE}" not in text
    assert "U+202E" in text


def test_only_the_pages_own_script_may_run_and_nothing_is_fetched(text: str, parsed: Page) -> None:
    (policy_,) = (each["content"] for each in parsed.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(parsed.script.encode()).digest()).decode()
    assert policy_ is not None
    assert "default-src 'none'" in policy_
    assert f"script-src 'sha256-{digest}'" in policy_
    assert "unsafe-eval" not in policy_
    assert not parsed.all("iframe")
    for _, attributes in parsed.elements:
        for name in ("src", "href", "action", "data", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    assert "@import" not in text
    assert not re.search(r"url\(", text)


def test_the_contents_lead_to_sections_that_exist(parsed: Page) -> None:
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [each["href"] for each in parsed.all("a")]
    assert {f"#{each['id']}" for each in parsed.all("section")} == set(targets)


def test_the_change_comes_first_and_the_worst_of_it_before_all(tmp_path: Path) -> None:
    after = System()
    del after.resources("prod", "data")["Cdr1"]
    changed = Page(shown(after, tmp_path, System()))
    assert next(each["id"] for each in changed.all("section")) == "change"
    weights = [str(each["class"]) for each in changed.all("li") if each.get("class") in {"danger", "caution", "note"}]
    assert weights[0] == "danger"
    assert weights == sorted(weights, key=["danger", "caution", "note"].index)
    assert "Something that holds data is replaced or deleted." in changed.texts


def test_without_a_change_the_page_says_so(tmp_path: Path) -> None:
    same = Page(shown(System(), tmp_path, System()))
    assert "Nothing: the templates say the same." in same.texts


def test_who_sees_no_picture_reads_it(tmp_path: Path) -> None:
    parsed = Page(shown(System("prod"), tmp_path))
    (drawing,) = parsed.all("svg")
    assert drawing["role"] == "group"
    assert {"queue ingest", "role qm-service"} <= {each.get("aria-label") for each in parsed.all("g")}
    said = " ".join(" ".join(parsed.texts).split())
    assert "ingest failures go to dead" in said
    assert "cdr feeds cdr-guard" in said


def test_what_is_wider_than_a_phone_is_reached_by_the_keyboard(parsed: Page) -> None:
    wide = [each for each in parsed.all("div") if "scroll" in (each.get("class") or "").split()]
    assert len(wide) > 5
    assert all(each["tabindex"] == "0" and each["aria-label"] for each in wide)


def test_every_template_is_on_the_page_as_it_is(tmp_path: Path) -> None:
    parsed = Page(shown(System("prod"), tmp_path))
    documents = [json.loads(each) for each in parsed.texts if each.startswith('{\n  "Description"')]
    written = (tmp_path / "after" / "assembly-prod").glob("*.template.json")
    assert sorted(documents, key=str) == sorted((json.loads(each.read_text()) for each in written), key=str)


def test_every_permission_is_a_row_that_a_filter_finds(tmp_path: Path) -> None:
    parsed = Page(shown(System(), tmp_path))
    rows = [each for each in parsed.all("tr") if "data-stages" in each]
    assert len(rows) == 5
    assert {each["data-stages"] for each in rows} == {"dev prod"}
    assert len([each for each in rows if "data-wildcard" in each]) == 1


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    for shown_ in (place(text), readable(text)):
        parsed = Page(str(shown_))
        assert {tag for tag, _ in parsed.elements} <= {"bdi", "span", "wbr", "b", "mark", "small"}


@given(st.text())
def test_invisible_characters_are_named_once(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert all(each.isprintable() or each in "\n\t" or each.isspace() for each in visible(text))


def test_a_condition_is_one_test_on_a_line() -> None:
    text = str(condition('{"StringEquals": {"aws:SourceAccount": ["ACCOUNT"], "x": ["a*", "b"]}}'))
    assert text.count("<li>") == 2
    assert '<mark class="wild">*</mark>' in text
