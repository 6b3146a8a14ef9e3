"""The real CDK CLI, as a newcomer calls it: no arguments, no credentials, no network."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud import cdk
from tests.infra.templates import ROOT, Templates

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """What `cdk synth` wrote and said."""
    home = tmp_path_factory.mktemp("home")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JSII_", "CDK_"))}
    environment = {**clean, **cdk.environment(), "HOME": str(home), "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE}
    words = cdk.command("synth", "--quiet", "--output", str(home / "cdk.out"))
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return home / "cdk.out", done


def deployed(template: Any) -> Any:
    """A template without metadata, and without the hashes of code that may be edited while the tests run."""
    if isinstance(template, dict):
        return {key: deployed(value) for key, value in template.items() if key not in {"Metadata", "Code"}}
    if isinstance(template, list):
        return [deployed(value) for value in template]
    return template


def test_synthesis_succeeds_without_a_warning(synthesis: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assembly, done = synthesis
    assert done.returncode == 0, done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stderr
    assert "deprecated" not in (done.stdout + done.stderr).lower(), done.stderr
    assert json.loads((assembly / "validation-report.json").read_text())["pluginReports"] == []


def test_the_cli_synthesizes_the_very_templates_that_these_tests_read(
    synthesis: tuple[Path, subprocess.CompletedProcess[str]], templates: Templates
) -> None:
    found = Templates.read(synthesis[0])
    assert deployed(dict(found.by_stack)) == deployed(dict(templates.by_stack))
