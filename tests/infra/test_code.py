from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda import Function, LayerVersion, Runtime

from infra.constructs.code import PIP_OPTIONS, function_code, layer_code

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = ("cdr_writer", "cdr_query", "cdr_guard")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three functions, whose files a test may change."""
    root = tmp_path / "project"
    for file in (
        *(f"lambdas/{name}/handler.py" for name in FUNCTIONS),
        *("lambdas/__init__.py", "switchboard/contracts/request.schema.json", "switchboard/__init__.py"),
        *("infra/build.py", ".local/wheels/wheel.whl", "node_modules/package.json", "cdk.json"),
        *("switchboard/__pycache__/x.pyc", "lambdas/cdr_writer/__pycache__/x.pyc"),
    ):
        write(root / file, file)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def hashes(project: Path) -> dict[str, str]:
    stack = Stack(App(), "stack")
    for name in FUNCTIONS:
        code = function_code(name, project)
        Function(stack, name, code=code, runtime=Runtime.PYTHON_3_14, handler="handler.handle")
    functions = Template.from_stack(stack).find_resources("AWS::Lambda::Function")
    return {
        name: function["Properties"]["Code"]["S3Key"]
        for name in FUNCTIONS
        for logical_id, function in functions.items()
        if logical_id.startswith(name.replace("_", ""))
    }


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("lambdas/cdr_writer/handler.py", {"cdr_writer"}),
        ("lambdas/cdr_query/handler.py", {"cdr_query"}),
        ("switchboard/contracts/request.schema.json", set(FUNCTIONS)),
        ("lambdas/__init__.py", set(FUNCTIONS)),
        ("infra/build.py", set()),
        ("cdk.json", set()),
        ("lambdas/messages/handler.py", set()),
        ("lambdas/cdr_writer/__pycache__/x.pyc", set()),
        ("switchboard/cdr/__pycache__/y.pyc", set()),
    ],
)
def test_a_function_is_deployed_again_only_when_its_own_code_changed(
    project: Path, changed: str, affected: set[str]
) -> None:
    before = hashes(project)
    write(project / changed, "changed")
    after = hashes(project)
    assert {name for name in FUNCTIONS if before[name] != after[name]} == affected


def test_a_function_carries_the_domain_and_itself(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    app = App(outdir=str(out))
    code = function_code("cdr_writer", project)
    Function(Stack(app, "stack"), "Writer", code=code, runtime=Runtime.PYTHON_3_14, handler="handler.handle")
    app.synth()
    (asset,) = out.glob("asset.*")
    assert {str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file()} == {
        "lambdas/__init__.py",
        "lambdas/cdr_writer/handler.py",
        "switchboard/__init__.py",
        "switchboard/contracts/request.schema.json",
    }


def test_the_layer_is_made_of_the_locked_wheels(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    LayerVersion(Stack(app, "stack"), "Layer", code=layer_code())
    app.synth()
    (asset,) = tmp_path.glob("asset.*")
    (python,) = asset.iterdir()
    packages = {path.name for path in python.iterdir() if not path.name.endswith(".dist-info")}
    assert python.name == "python"
    assert packages == {"aws_lambda_powertools", "fastjsonschema", "jmespath", "typing_extensions.py"}
    assert not [path for path in python.rglob("*") if path.suffix in {".so", ".pyc"}]


def test_missing_wheels_are_explained_and_docker_is_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ntouch {asked}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("CDK_DOCKER", str(docker))
    stack = Stack(App(outdir=str(tmp_path / "out")), "stack")
    with pytest.raises(RuntimeError, match="`make setup` downloads them"):
        LayerVersion(stack, "Layer", code=layer_code(wheels=tmp_path / "nothing"))
    assert not asked.exists()


def test_the_layer_needs_no_network_and_nothing_unlocked() -> None:
    assert {"--no-index", "--isolated", "--require-hashes", "--only-binary=:all:"} <= set(PIP_OPTIONS)
