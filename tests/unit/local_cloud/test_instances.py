from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local_cloud import emulator, instances, locks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(instances, "CLOUDS", tmp_path / "clouds")
    return tmp_path / "clouds"


def left_running(port: int) -> tuple[Path, int]:
    directory, lock = instances.create()
    instances.write_state(directory, instances.State(port=port, supervisor=1, detached=True))
    return directory, lock


def test_a_cloud_left_running_is_found_while_its_lock_is_held() -> None:
    assert instances.detached() is None
    directory, lock = left_running(4566)
    assert instances.detached() == (directory, instances.State(port=4566, supervisor=1, detached=True))
    os.close(lock)


def test_what_a_crash_left_is_removed_and_what_lives_is_not() -> None:
    crashed, lock = left_running(1)
    os.close(lock)
    living, held = instances.create()
    assert not crashed.exists()
    assert instances.detached() is None
    assert living.exists()
    assert not instances.remove_if_left(living)
    os.close(held)
    assert instances.remove_if_left(living)
    assert instances.remove_if_left(living)


def test_directories_of_two_clouds_differ() -> None:
    (first, one), (second, other) = instances.create(), instances.create()
    assert first != second
    os.close(one)
    os.close(other)


def test_a_lock_excludes_others_until_its_holder_is_gone(tmp_path: Path) -> None:
    held = locks.acquire(tmp_path / "lock")
    assert held is not None
    assert locks.acquire(tmp_path / "lock", wait=False) is None
    os.close(held)
    again = locks.acquire(tmp_path / "lock", wait=False)
    assert again is not None
    os.close(again)


def test_other_versions_of_the_emulator_are_refused_with_the_remedy() -> None:
    emulator.refuse_other_versions(emulator.EMULATOR_VERSION)
    for other in ("1.5.34", "1.5.3", "2.0.0"):
        with pytest.raises(SystemExit, match=r"requirements/emulator\.txt"):
            emulator.refuse_other_versions(other)
