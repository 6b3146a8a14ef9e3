"""Set-up does a step once, does an interrupted one again, and lets two runs at once wait for each other."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from tools import set_up

APPEND = "from pathlib import Path; f = Path({path!r}); f.write_text((f.read_text() if f.exists() else '') + 'x')"


class OldVersion(NamedTuple):
    """`sys.version_info` of a Python that does not serve."""

    major: int = 3
    minor: int = 10
    micro: int = 9


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    monkeypatch.setattr(set_up, "LOCAL", tmp_path / ".local")
    (tmp_path / "lock.txt").write_text("package==1")
    return tmp_path


def counting_step(root: Path, then: str = "") -> set_up.Step:
    count = APPEND.format(path=str(root / "runs"))
    return set_up.Step(
        "example",
        "an example",
        folder=root / "environment",
        inputs=[root / "lock.txt"],
        commands=[[sys.executable, "-c", f"{count}\n{then}"]],
    )


def runs(root: Path) -> int:
    return len((root / "runs").read_text())


def test_a_finished_step_is_not_done_again(folders: Path) -> None:
    counting_step(folders).run()
    counting_step(folders).run()
    assert runs(folders) == 1


def test_a_changed_lock_file_empties_the_folder_and_does_the_step_again(folders: Path) -> None:
    counting_step(folders).run()
    (folders / "environment" / "left-over").touch()
    (folders / "lock.txt").write_text("package==2")
    counting_step(folders).run()
    assert runs(folders) == 2
    assert not (folders / "environment" / "left-over").exists()


def test_a_failed_step_shows_the_end_of_its_log_and_is_done_again(folders: Path) -> None:
    broken = counting_step(folders, then="print('no such package'); raise SystemExit(3)")
    with pytest.raises(set_up.SetUpError, match=r"no such package[\s\S]*run the same make target again"):
        broken.run()
    assert not broken.is_done()
    counting_step(folders).run()
    assert runs(folders) == 2


def test_two_at_once_do_the_step_once(folders: Path) -> None:
    threads = [threading.Thread(target=counting_step(folders).run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(folders) == 1


def test_packages_do_not_leak_in_from_the_shell(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    counting_step(folders, then="import os; raise SystemExit(3 if 'PIP_TARGET' in os.environ else 0)").run()
    assert runs(folders) == 1


def test_an_old_python_is_told_the_remedy_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", OldVersion())
    problem = set_up.unfit()
    assert problem is not None
    assert "3.11" in problem
    assert "make PYTHON=" in problem
    assert "\n" not in problem


def test_a_python_without_venv_is_told_the_remedy_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    problem = set_up.unfit()
    assert problem is not None
    assert "python3-venv" in problem
    assert "\n" not in problem


def test_every_lock_file_carries_hashes_and_no_address() -> None:
    locks = sorted((Path(set_up.__file__).parent.parent / "requirements").glob("*.txt"))
    assert len(locks) == 7
    for lock in locks:
        text = lock.read_text()
        pinned = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text
        assert "--index-url" not in text


def test_an_unknown_purpose_is_a_usage_error() -> None:
    command = [sys.executable, set_up.__file__, "everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
