"""A person's desk: a folder like the repository after `make local-up`, and what that person types there."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from local_cloud import standing
from local_cloud.paths import ROOT
from tests.unit.docs.documents import DOCUMENTS, Block, blocks, named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from local_cloud.cloud import LocalCloud

PATIENCE_SECONDS: Final = 300

Typed = subprocess.CompletedProcess[str]

_OWN: Final = {".git", ".local", ".pytest_cache", ".hypothesis", "cdk.out"}
"""What a desk does not share with the repository."""

_SWITCHBOARD: Final = """#!{python}
from pathlib import Path
from local_cloud import instances
instances.detached = lambda: (Path({directory!r}), instances.State({port}, 0, True))
from cli.main import main
main()
"""
"""The command, with the cloud of this test in the place of the one that a person left running."""

_PATIENT: Final = """#!/bin/sh
"{program}" "$@" >"$HOME/answer"; code=$?; cat "$HOME/answer"
case "$code $* " in
"0 backfill start "*" --wait "*) ;;
"0 backfill start "*)
    for second in $(seq 60); do
        "{program}" backfill status "$(cat "$HOME/answer")" --stage local >/dev/null 2>&1
        test $? -ne 4 && break
        sleep 1
    done ;;
esac
exit $code
"""
"""The same, which gives a run that was started the time to begin: a person takes longer to read its id."""

_MAKE: Final = """#!/bin/sh
grep -q "^$1:" Makefile || { echo "make has no target $1" >&2; exit 2; }
"""
"""A target is a whole run of its own, such as all tests: here it only has to exist."""

_NOT_HERE: Final = ("aws", "cdk")
"""What talks to AWS: a block that calls one of them is marked."""


def runnable(page: Path) -> list[Block]:
    """The page's blocks of commands that need no AWS."""
    return [block for block in blocks(page) if block.language == "sh" and not block.needs_aws]


PAGES: Final = [page for page in DOCUMENTS if runnable(page)]
OPERATIONS: Final = ROOT / "docs" / "operations.md"


def script(page: Path) -> Iterator[str]:
    """The page's blocks in order, each announced on standard error, ended by the first command that fails."""
    yield "set -eu\n"
    for block in runnable(page):
        yield f"echo '--- {named(page)}:{block.line}' >&2\n{block.text}"


@dataclass(frozen=True, slots=True)
class Desk:
    """The folder, and what came of each page, which is typed once."""

    folder: Path
    _done: dict[Path, Typed] = field(default_factory=dict)

    @classmethod
    def before(cls, cloud: LocalCloud, assembly: Path, folder: Path, patched: pytest.MonkeyPatch) -> Desk:
        """A desk in `folder`, with cloud and assembly where `make local-up` and `make synth` would have left them."""
        for entry in ROOT.iterdir():
            if entry.name not in _OWN:
                (folder / entry.name).symlink_to(entry)
        (folder / "cdk.out").symlink_to(assembly.resolve())
        (folder / "stand-ins").mkdir()
        (folder / ".local").mkdir()
        desk = cls(folder)
        patched.setattr(standing, "ENV_FILE", folder / ".local" / "env")
        standing._write_env_file(cloud)
        with (folder / ".local" / "env").open("a") as file:
            file.write(f'export PATH="{folder}/stand-ins:$PATH"\n')
        for program in _NOT_HERE:
            desk._stand_in(program, "#!/bin/sh\nexit 127\n")
        python = ROOT / ".venv" / "bin" / "python"
        desk._stand_in("make", _MAKE)
        desk._stand_in("command", _SWITCHBOARD.format(python=python, directory=str(cloud.directory), port=cloud.port))
        desk._stand_in("switchboard", _PATIENT.format(program=folder / "stand-ins" / "command"))
        return desk

    def _stand_in(self, name: str, text: str) -> None:
        program = self.folder / "stand-ins" / name
        program.write_text(text)
        program.chmod(0o755)

    def typed(self, text: str) -> Typed:
        """What came of typing these lines into a new shell."""
        environment = {
            "PATH": f"{self.folder}/stand-ins:{ROOT}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def page(self, page: Path) -> Typed:
        """What came of typing a page."""
        if page not in self._done:
            self._done[page] = self.typed("".join(script(page)))
        return self._done[page]


def check_page(desk: Desk, page: Path) -> None:
    """Fail unless every command of the page succeeded."""
    done = desk.page(page)
    assert done.returncode == 0, f"{done.stderr[-3_000:]}\n{done.stdout[-1_000:]}"
    assert "Traceback" not in done.stderr
