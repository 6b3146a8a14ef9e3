from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.review.assembly import Resource, StageTemplates, read_assembly
from cli.review.properties import flat
from tests.unit.cli.review.system import System, resource

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (True, "true"),
        (7, "7"),
        ({"Ref": "AWS::AccountId"}, "ACCOUNT"),
        ({"Ref": "Unknown"}, "{functions/Unknown}"),
        ({"Ref": "Writer1"}, "{functions/Writer/Function}"),
        ({"Fn::GetAtt": ["Queue1", "Arn"]}, "{functions/Ingest/Queue.Arn}"),
        ({"Fn::ImportValue": "prod-data:CdrArn"}, "{data/CdrTable.Arn}"),
        ({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "s3"]]}, "arn:aws:s3"),
        (
            {"Fn::Sub": "arn:${AWS::Partition}:${Queue1.Arn}/${Writer1}"},
            "arn:aws:{functions/Ingest/Queue.Arn}/{functions/Writer/Function}",
        ),
        ({"Fn::FindInMap": ["Lists", {"Ref": "AWS::Region"}, "s3"]}, "{Lists.REGION.s3}"),
        ({"Fn::ImportValue": "nowhere"}, '{"Fn::ImportValue": "nowhere"}'),
        ({"Fn::If": ["A", 1, 2]}, '{"Fn::If": ["A", 1, 2]}'),
    ],
)
def test_a_value_reads_as_what_it_refers_to(prod: StageTemplates, value: Any, text: str) -> None:
    assert prod.text("functions", value) == text


def test_a_reference_leads_to_its_resource_across_stacks_and_inside_texts(prod: StageTemplates) -> None:
    table = prod.target("functions", {"Fn::Join": ["", [{"Fn::ImportValue": "prod-data:CdrArn"}, "/index/*"]]})
    assert table is not None
    assert table.place == "data/CdrTable"
    assert prod.target("functions", {"Ref": "AWS::Region"}) is None


def test_texts_of_stages_compare(tmp_path: Path) -> None:
    for stage in System().read(tmp_path):
        said = f"{stage.name}: switchboard-{stage.name}-x, /switchboard/{stage.name}/y, stage {stage.name}."
        account = "arn:aws:iam::111122223333:role/x in eu-central-1"
        assert stage.general(f"{said} {account}") == (
            f"{stage.name}: switchboard-<stage>-x, /switchboard/<stage>/y, stage <stage>. "
            "arn:aws:iam::ACCOUNT:role/x in REGION"
        )
        assert stage.general(stage.name) == "<stage>"
        assert stage.general(f"{stage.name}uct") == f"{stage.name}uct"


def test_properties_are_texts_by_path_whatever_their_order(prod: StageTemplates) -> None:
    table = prod.find("data", "Cdr1")
    assert table is not None
    found = flat(prod, table)
    assert found["GlobalSecondaryIndexes[by_sponsor].KeySchema[occurred_at].KeyType"] == "RANGE"
    machine = prod.find("functions", "Machine1")
    assert machine is not None
    assert flat(prod, machine)["DefinitionString.States.Work.Retry[0].MaxAttempts"] == "6"
    one, other = ({"Actions": order} for order in (["b", {"Ref": "Key1"}], [{"Ref": "Key1"}, "b"]))
    texts = [flat(prod, Resource("data", "X", "T", "X", each, (), retained=False)) for each in (one, other)]
    assert texts[0] == texts[1] == {"Actions": "b, {data/Key}"}


def test_a_folder_that_is_no_assembly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="manifest"):
        read_assembly(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"other": 1}))
    with pytest.raises(KeyError):
        read_assembly(tmp_path)


def test_stacks_stand_in_the_order_of_their_dependencies(tmp_path: Path) -> None:
    System("dev").written(tmp_path)
    manifest = tmp_path / "assembly-dev" / "manifest.json"
    written = json.loads(manifest.read_text())
    written["artifacts"]["data"]["dependencies"] = ["functions"]
    manifest.write_text(json.dumps(written))
    (stage,) = read_assembly(tmp_path)
    assert list(stage.templates) == ["functions", "data", "observability"]


def test_what_outlives_its_stack_is_told(tmp_path: Path) -> None:
    system = System("dev")
    system.resources("dev", "data")["Plain1"] = resource("AWS::S3::Bucket", "data/Plain")
    (stage,) = system.read(tmp_path)
    kept = {each.name: each.retained for each in stage.of_type("AWS::S3::Bucket", "AWS::DynamoDB::Table")}
    assert kept == {"CdrTable": True, "Quarantine": False, "Plain": False}
