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

from cli.review.load import Load
from cli.review.page import page
from cli.review.page.texts import condition, place, readable, visible
from cli.review.report import review
from cli.review.sources import Source
from switchboard.prices import list_prices
from tests.unit.cli.review.system import System, alarm, policy, resource, role

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"onload='alert(1)' x=\"",
    "</title></pre></svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\N{RIGHT-TO-LEFT OVERRIDE}elbatarcneS\N{POP DIRECTIONAL FORMATTING}",
    "שלום/عالم",
    "zero\N{ZERO WIDTH SPACE}width\x07",
)
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


def hostile_system() -> System:
    """Every text that a page shows, in somebody's bad hands."""
    system = System("dev", "prod")
    for number, name in enumerate(HOSTILE):
        functions = system.resources("prod", "functions")
        functions[f"R{number}"] = role(f"functions/{name}", name)
        functions[f"R{number}"]["Properties"]["Description"] = name
        functions[f"P{number}"] = policy(
            f"functions/P{number}",
            f"R{number}",
            {
                "Sid": name,
                "Effect": "Allow",
                "Action": ["lambda:InvokeFunction", name],
                "Resource": [{"Fn::GetAtt": ["Writer1", "Arn"]}, name],
                "Condition": {name: {name: [name]}},
            },
        )
        functions[f"L{number}"] = resource("AWS::Logs::LogGroup", f"functions/L{name}", LogGroupName=name)
        functions[f"F{number}"] = resource("AWS::Lambda::Function", f"functions/F{name}", FunctionName=name)
        functions[f"Q{number}"] = resource("AWS::SQS::Queue", f"functions/Q{name}", QueueName=name)
        functions[name] = resource(f"AWS::{name}", f"functions/T{name}", Value=name)
        data = system.resources("prod", "data")
        data[f"T{number}"] = resource(
            "AWS::DynamoDB::Table",
            f"data/T{name}",
            KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
            BillingMode=name,
            Tags=[{"Key": "purpose", "Value": name}],
        )
        observability = system.resources("prod", "observability")
        observability[f"A{number}"] = alarm(name, name)
    return system


def shown(system: System, folder: Path, before: System | None = None) -> str:
    old = Source(HOSTILE[0], before.read(folder / "before")) if before else None
    found = review(Source(HOSTILE[1], system.read(folder / "after")), before=old, load=Load(), prices=list_prices())
    return page(found)


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
