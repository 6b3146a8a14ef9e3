"""The review of the real templates: what it says of this system, and what five planted changes do to it."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cli.review.assembly import read_assembly
from cli.review.changes import Kind, Weight
from cli.review.comparison import compare
from cli.review.failures import failure_paths
from cli.review.findings import Rule, findings
from cli.review.flows import CALLER, graph
from cli.review.load import Load
from cli.review.page import page
from cli.review.report import as_json, review
from cli.review.sources import Source
from cli.review.tables import tables
from switchboard.prices import list_prices
from switchboard.schema import deployment
from switchboard.schema.access_patterns import ACCESS_PATTERNS
from tests.infra import failure_paths as told_apart
from tests.infra.templates import STAGES, Templates, synthesize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.review.assembly import StageTemplates
    from cli.review.changes import Change

Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("review")
    synthesize(out, **{"aws:cdk:enable-path-metadata": True})
    return out


@pytest.fixture(scope="module")
def stages(assembly: Path) -> dict[str, StageTemplates]:
    return {stage.name: stage for stage in read_assembly(assembly)}


def the_one(resources: Resources, kind: str, name: str) -> dict[str, Any]:
    """The one resource of a type whose logical id begins with `name`."""
    (found,) = (each for key, each in resources.items() if each["Type"] == f"AWS::{kind}" and key.startswith(name))
    return found


def widened(resources: Resources) -> None:
    document = the_one(resources, "IAM::ManagedPolicy", "CdrWriterPolicy")["Properties"]["PolicyDocument"]
    document["Statement"].append({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})


def replaced(resources: Resources) -> None:
    the_one(resources, "DynamoDB::Table", "CdrTable")["Properties"]["KeySchema"][0]["AttributeName"] = "timestamp"


def unwatched(resources: Resources) -> None:
    del resources[next(key for key in resources if key.startswith("CdrWriterErrors"))]


def longer(resources: Resources) -> None:
    mapping = the_one(resources, "Lambda::EventSourceMapping", "MessagingStreamHandler")
    mapping["Properties"]["MaximumRecordAgeInSeconds"] *= 2


def opened(resources: Resources) -> None:
    path = {"aws:cdk:path": "prod/functions/Open/Resource"}
    resources["Open"] = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}, "Metadata": path}


PLANTED: dict[str, tuple[str, Callable[[Resources], None], Kind, str]] = {
    "a widened policy": ("functions", widened, Kind.PERMISSION_ADDED, "functions/Cdr/Writer/Role"),
    "a replaced table": ("data", replaced, Kind.REPLACED, "data/CdrTable"),
    "a removed alarm": ("observability", unwatched, Kind.ALARM_REMOVED, "observability/CdrWriterErrors"),
    "a longer retry": ("functions", longer, Kind.DELIVERY, "functions/Messaging/StreamHandlerFromStream"),
    "a new public resource": ("functions", opened, Kind.PUBLIC, "functions/Open"),
}


def planted(assembly: Path, out: Path, *names: str) -> tuple[StageTemplates, ...]:
    """The assembly with some changes in stage `prod`."""
    shutil.copytree(assembly, out, ignore=shutil.ignore_patterns("asset.*"))
    for name in names:
        stack, change, _, _ = PLANTED[name]
        (file,) = (out / "assembly-prod").glob(f"prod{stack}*.template.json")
        template = json.loads(file.read_text())
        change(template["Resources"])
        file.write_text(json.dumps(template))
    return read_assembly(out)


def worrying(changes: tuple[Change, ...]) -> list[tuple[Kind, str]]:
    return [(each.kind, each.place) for each in changes if each.kind.weight is not Weight.NOTE]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_named_first_and_nothing_else_worries(assembly: Path, tmp_path: Path, name: str) -> None:
    changes = compare(read_assembly(assembly), planted(assembly, tmp_path / "after", name))
    _, _, kind, place = PLANTED[name]
    assert worrying(changes)[0] == (kind, place)
    assert {each.kind for each in changes if each.kind.weight is not Weight.NOTE} <= {kind, Kind.FINDING}
    assert {each.stages for each in changes} == {("prod",)}


def test_all_five_stand_at_the_top_of_the_page(assembly: Path, tmp_path: Path) -> None:
    after = Source("after", planted(assembly, tmp_path / "after", *PLANTED))
    found = review(after, before=Source("before", read_assembly(assembly)), load=Load(), prices=list_prices())
    assert found.loses_data
    text = page(found)
    top = text[text.index('<section id="change">') : text.index('<section id="glance">')]
    for _, _, kind, place in PLANTED.values():
        assert f">{kind.label}</strong>" in top
        assert place.rpartition("/")[2] in top
    assert top.index('class="danger"') < top.index('class="caution"') < top.index("further changes")


def test_the_same_templates_are_no_change(assembly: Path) -> None:
    assert compare(read_assembly(assembly), read_assembly(assembly)) == ()


@pytest.mark.parametrize("stage", STAGES)
def test_two_readings_of_what_can_fail_agree(
    templates: Templates, stages: dict[str, StageTemplates], stage: str
) -> None:
    ours = failure_paths(stages[stage])
    assert sorted(path.metric for path in ours) == sorted(
        name for name, _ in told_apart.failure_paths(templates, stage)
    )
    assert [path for path in ours if not path.alarms] == []


def test_two_readings_of_what_is_unwatched_agree(templates: Templates, assembly: Path, tmp_path: Path) -> None:
    by_stack = {key: copy.deepcopy(dict(template)) for key, template in templates.by_stack.items()}
    unwatched(by_stack["prod", "observability"]["Resources"])
    silent = replace(templates, by_stack=by_stack)
    theirs = told_apart.failure_paths(silent, "prod") - told_apart.told(silent, "prod")
    (stage,) = (each for each in planted(assembly, tmp_path / "after", "a removed alarm") if each.name == "prod")
    ours = [path.metric for path in failure_paths(stage) if not path.alarms]
    assert ours == [name for name, _ in theirs] == ["Errors"]


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_public_unwatched_or_unrecoverable(stages: dict[str, StageTemplates], stage: str) -> None:
    urgent = [each for each in findings(stages[stage]) if each.rule.is_urgent and "LegacyTable" not in each.place]
    assert urgent == []
    assert {each.rule for each in findings(stages[stage])} >= {Rule.WILDCARD}


def test_every_key_and_index_answers_a_question_and_every_question_has_its_index(
    stages: dict[str, StageTemplates],
) -> None:
    found = tables(stages["prod"])
    assert all(index.answers for table in found for index in table.indexes)
    answered = {pattern for table in found for index in table.indexes for pattern in index.answers}
    assert answered == set(ACCESS_PATTERNS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_picture_shows_every_function_and_every_calling_service(
    stages: dict[str, StageTemplates], stage: str
) -> None:
    nodes = graph(stages[stage]).nodes
    labels = {node.label for node in nodes}
    assert labels >= set(deployment.FUNCTIONS)
    assert labels >= {deployment.CDR_INGEST, deployment.FAILED_INVOCATIONS, "cdr", "messages", "runs", "quarantine"}
    assert {node.label for node in nodes if node.kind == CALLER} >= {
        deployment.QM_SERVICE,
        deployment.CDR_READER,
        deployment.MESSAGING_SERVICE,
        deployment.DATA_OPERATOR,
        deployment.BACKFILL_OPERATOR,
    }


def test_a_review_is_json(assembly: Path) -> None:
    source = Source("this", read_assembly(assembly))
    found = review(source, before=source, load=Load(), prices=list_prices())
    document = json.loads(json.dumps(as_json(found)))
    assert [stage["name"] for stage in document["stages"]][: len(STAGES)] == list(STAGES)
    assert document["comparison"]["changes"] == []
