"""What the documents tell people to type, typed: page by page, block by block, on a deployed stage."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud import standing
from local_cloud.paths import ROOT
from switchboard.backfill.sample import SAMPLE_PREFIX
from switchboard.schema import deployment
from tests.integration import commands
from tests.unit.docs.documents import DOCUMENTS, Block, blocks, named
from tools.docs.data_model_page import KEYS
from tools.docs.entities import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.cloud import LocalCloud
    from local_cloud.stage import DeployedStage

CONTRACTS = ROOT / "docs" / "contracts.md"
OPERATIONS = ROOT / "docs" / "operations.md"
NOT_ON_THE_PAGE = {"subject", "what operators ask of a run"}
"""Kinds of items that its commands do not write: of a user pool, and of a run that somebody slows down or pauses."""
GIVEN = {"test"}
"""The attribute that the examples of backfills give to every item."""
PATIENCE_SECONDS = 300


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language == "sh" and not block.needs_aws]


PAGES = [page for page in DOCUMENTS if runnable(page)]

RUBY = shutil.which("ruby")
EXAMPLES = [
    pytest.param(block, id=f"{block.language}, line {block.line}")
    for block in blocks(CONTRACTS)
    if block.language == "python" or (block.language == "ruby" and RUBY)
]
"""The Ruby examples only where Ruby is installed, which the page says."""

SWITCHBOARD = """#!{python}
from pathlib import Path
from local_cloud import instances
instances.detached = lambda: (Path({directory!r}), instances.State({port}, 0, True))
from cli.main import main
main()
"""
"""The command, with the cloud of this test in the place of the one that a person left running."""

PATIENT = """#!/bin/sh
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

MAKE = """#!/bin/sh
grep -q "^$1:" Makefile || { echo "make has no target $1" >&2; exit 2; }
"""
"""A target is a whole run of its own, such as all tests: here it only has to exist."""

NOT_HERE = ("aws", "cdk")
"""What talks to AWS: a block that calls one of them is marked."""


@pytest.fixture(scope="module")
def desk(local: DeployedStage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the repository after `make local-up`, and is not it."""
    folder = tmp_path_factory.mktemp("desk")
    for entry in ROOT.iterdir():
        if entry.name not in {".git", ".local", ".pytest_cache", ".hypothesis", "cdk.out"}:
            (folder / entry.name).symlink_to(entry)
    (folder / "stand-ins").mkdir()
    (folder / ".local").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(standing, "ENV_FILE", folder / ".local" / "env")
        standing._write_env_file(local.cloud)
    with (folder / ".local" / "env").open("a") as file:
        file.write(f'export PATH="{folder}/stand-ins:$PATH"\n')
    _stand_in(folder, "make", MAKE)
    for program in NOT_HERE:
        _stand_in(folder, program, "#!/bin/sh\nexit 127\n")
    _stand_in(folder, "command", _switchboard(local.cloud))
    _stand_in(folder, "switchboard", PATIENT.format(program=folder / "stand-ins" / "command"))
    return folder


@pytest.fixture(scope="module", autouse=True)
def strange(local: DeployedStage) -> set[tuple[str, str, str]]:
    """The items that other tests left in the tables before any page was typed, some on purpose malformed."""
    return {(short, item["pk"]["S"], item["sk"]["S"]) for short, item in _items(local)}


@pytest.fixture(scope="module")
def outcome(desk: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """What came of typing a page, which is typed once."""
    done: dict[Path, subprocess.CompletedProcess[str]] = {}

    def of(page: Path) -> subprocess.CompletedProcess[str]:
        if page not in done:
            done[page] = typed(desk, "".join(script(page)))
        return done[page]

    return of


def _items(local: DeployedStage) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item of the stage's tables, with its table's short name."""
    for short, path in deployment.TABLE_PATHS.items():
        pages = (
            local.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=local.parameter(path), ConsistentRead=True)
        )
        yield from ((short, item) for page in pages for item in page["Items"])


def _switchboard(cloud: LocalCloud) -> str:
    return SWITCHBOARD.format(
        python=ROOT / ".venv" / "bin" / "python",
        directory=str(cloud.directory),
        port=cloud.port,
    )


def _stand_in(desk: Path, name: str, text: str) -> None:
    program = desk / "stand-ins" / name
    program.write_text(text)
    program.chmod(0o755)


def script(page: Path) -> Iterator[str]:
    """The page's blocks in order, each announced on standard error, ended by the first command that fails."""
    yield "set -eu\n"
    for block in runnable(page):
        yield f"echo '--- {named(page)}:{block.line}' >&2\n{block.text}"


def typed(desk: Path, text: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{desk}/stand-ins:{ROOT}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(desk),
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        ["/bin/sh", "-c", text],
        cwd=desk,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_commands_of_a_page_work_one_after_another(
    outcome: Callable[[Path], subprocess.CompletedProcess[str]], page: Path
) -> None:
    done = outcome(page)
    assert done.returncode == 0, f"{done.stderr[-3_000:]}\n{done.stdout[-1_000:]}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["switchboard cdr hystory", "make no-such-target", "cdk deploy 'dev/*'", "false"])
def test_a_command_that_fails_fails_its_page(desk: Path, command: str) -> None:
    assert typed(desk, f"set -eu\n{command}\necho done\n").returncode != 0


@pytest.mark.parametrize("block", EXAMPLES)
def test_the_examples_of_the_contracts_work(local: DeployedStage, block: Block) -> None:
    interpreter = sys.executable if block.language == "python" else str(RUBY)
    done = subprocess.run(
        [interpreter, "-"],
        env=commands.environment(local.cloud),
        input=block.text,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_examples_of_the_contracts_are_there() -> None:
    assert len([block for block in blocks(CONTRACTS) if block.language == "python"]) == 3
    assert len([block for block in blocks(CONTRACTS) if block.language == "ruby"]) == 3


def described(local: DeployedStage, short: str) -> dict[str, Any]:
    name = local.parameter(deployment.TABLE_PATHS[short])
    table: dict[str, Any] = local.client("dynamodb").describe_table(TableName=name)["Table"]
    return table


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key[0]} {key[1]}".strip())
def test_a_table_has_the_keys_that_the_data_model_says(local: DeployedStage, key: tuple[str, ...]) -> None:
    short, index, pk, sk, projected, stream, _ = key
    table = described(local, short)
    found = next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == index), table)
    assert [part["AttributeName"] for part in found["KeySchema"]] == [pk, sk]
    if index:
        projection = found["Projection"]
        listed = [f"`{name}`" for name in projection.get("NonKeyAttributes", [])]
        assert (", ".join(listed) or projection["ProjectionType"].lower()) == projected
    else:
        assert table.get("StreamSpecification", {}).get("StreamViewType", "") == stream.strip("`")


def test_the_indexes_of_the_data_model_are_all_there_are(local: DeployedStage) -> None:
    for short in deployment.TABLE_PATHS:
        indexes = {each["IndexName"] for each in described(local, short).get("GlobalSecondaryIndexes", [])}
        assert indexes == {index for name, index, *_ in KEYS if name == short and index}


def test_every_item_is_one_of_the_data_model(
    local: DeployedStage,
    outcome: Callable[[Path], subprocess.CompletedProcess[str]],
    strange: set[tuple[str, str, str]],
) -> None:
    """After the operator's page every kind of item has been written by the code itself."""
    assert outcome(OPERATIONS).returncode == 0
    seen = set()
    for short, item in _items(local):
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(SAMPLE_PREFIX) or (short, pk, sk) in strange:
            continue
        fitting = [each for each in ENTITIES if each.table == short and each.holds(pk, sk)]
        assert len(fitting) == 1, (short, pk, sk, [each.name for each in fitting])
        (entity,) = fitting
        seen.add(entity.name)
        attributes = set(item) - {"pk", "sk"} - GIVEN
        assert set(entity.attributes) <= attributes <= {*entity.attributes, *entity.optional}, (pk, sk)
    assert seen >= {each.name for each in ENTITIES} - NOT_ON_THE_PAGE
