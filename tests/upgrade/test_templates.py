"""Today's templates against those of every kept release: nothing that holds data is replaced or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.review.protection import STATEFUL
from tests.upgrade.stages import PREVIOUS, changed, lost, renamed, stages
from tools import release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = "CdrTable68FB5C79"
MESSAGES = "MessagesTable05B58A27"
KEY = "TableKeyF581D96F"
BUCKET = "Quarantine23FF09FE"


@pytest.mark.parametrize("version", release.versions())
@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_nothing_that_holds_data_is_replaced_or_deleted(assembly: Path, version: str, stage: str) -> None:
    before, after = stages(release.RELEASES / version)[stage], stages(assembly)[stage]
    assert len(before.of_type(*STATEFUL)) > 8
    assert not lost(before, after)


def with_property(logical_id: str, name: str, value: Any) -> Callable[[Any], Any]:
    def change(template: Any) -> Any:
        template["Resources"][logical_id]["Properties"][name] = value
        return template

    return change


def without(logical_id: str) -> Callable[[Any], Any]:
    def change(template: Any) -> Any:
        del template["Resources"][logical_id]
        return template

    return change


PLANTED = {
    "key schema": (with_property(TABLE, "KeySchema", [{"AttributeName": "pk", "KeyType": "HASH"}]), TABLE),
    "table's name": (with_property(TABLE, "TableName", "cdr"), TABLE),
    "no index": (with_property(TABLE, "GlobalSecondaryIndexes", []), TABLE),
    "another type of key": (with_property(KEY, "KeySpec", "RSA_2048"), KEY),
    "bucket's name": (with_property(BUCKET, "BucketName", "quarantine"), BUCKET),
    "no bucket": (without(BUCKET), BUCKET),
    "logical id": (lambda template: renamed(template, MESSAGES), MESSAGES),
}


@pytest.mark.parametrize("stage", ["local", "prod"])
@pytest.mark.parametrize(("change", "expected"), PLANTED.values(), ids=PLANTED)
def test_a_planted_loss_is_named(
    assembly: Path, tmp_path: Path, stage: str, change: Callable[[Any], Any], expected: str
) -> None:
    before = stages(release.RELEASES / PREVIOUS)[stage]
    planted = changed(assembly, tmp_path / "planted", f"{stage}/data", change)
    found = lost(before, stages(planted)[stage])
    assert found
    assert all(each.startswith(f"data/{expected}: ") for each in found)


@pytest.mark.parametrize(
    "change",
    [
        with_property(TABLE, "DeletionProtectionEnabled", False),
        with_property(TABLE, "BillingMode", "PAY_PER_REQUEST"),
        with_property(BUCKET, "LifecycleConfiguration", {"Rules": []}),
    ],
    ids=["protection", "billing", "retention"],
)
def test_what_is_changed_in_place_is_none(assembly: Path, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    planted = changed(assembly, tmp_path / "planted", "prod/data", change)
    assert not lost(stages(release.RELEASES / PREVIOUS)["prod"], stages(planted)["prod"])


def test_a_release_is_kept_once_and_of_a_synthesized_app_only(assembly: Path, tmp_path: Path) -> None:
    release.keep(assembly, "1.10.0", tmp_path)
    release.keep(assembly, "1.9.0", tmp_path)
    assert release.versions(tmp_path) == ("1.9.0", "1.10.0")
    with pytest.raises(ValueError, match=r"kept already"):
        release.keep(assembly, "1.10.0", tmp_path)
    with pytest.raises(ValueError, match=r"VERSION is not like"):
        release.keep(assembly, "next", tmp_path)
    with pytest.raises(ValueError, match=r"make synth"):
        release.keep(tmp_path, "1.11.0", tmp_path)
    assert not (tmp_path / "1.11.0").exists()


def test_a_kept_release_is_unpacked_to_the_very_code_that_was_deployed(assembly: Path, tmp_path: Path) -> None:
    kept = release.keep(assembly, "1.0.0", tmp_path)
    unpacked = release.unpacked(kept, tmp_path / "unpacked", today=assembly)
    contents = {
        root: {path.relative_to(root): path.read_bytes() for path in root.glob("asset.*/**/*") if path.is_file()}
        for root in (unpacked, assembly)
    }
    assert contents[unpacked] == contents[assembly]
    assert (
        release.keep(assembly, "2.0.0", tmp_path).joinpath(release.CODE).read_bytes()
        == (kept / release.CODE).read_bytes()
    )
