"""What four tools say about the synthesized templates, as one kind of finding: stage, construct, rule."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks, ServerlessChecks
from cdklabs.cdk_validator_cfnguard import CfnGuardValidator

from infra.build import new_app
from tests.infra.templates import ROOT, cdk_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNGATED: Final = "local"
"""The stage that is never deployed to an account."""

REPORT: Final = "validation-report.json"
CFN_LINT: Final = "cfn-lint.json"
CHECKOV: Final = "checkov.json"

_PACKS: Final = (AwsSolutionsChecks, NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks, ServerlessChecks)
_PLAINER: Final = (
    (
        re.compile(r"switchboard-\w+-\w+:ExportsOutputFnGetAtt(\w+?)[0-9A-F]{8}(\w+?)[0-9A-F]{8}(?!\w)"),
        r"<\1.\2>",
    ),
    (re.compile(r"(?<=\w)[0-9A-F]{8}(?=\.)"), ""),
    (re.compile(r"arn:(?:aws|<AWS::Partition>):(\w+):(?:<AWS::Region>|[^:]*):(?:<AWS::AccountId>|[^:]*):"), r"arn:\1:"),
    (re.compile(r"switchboard-(?:dev|prod)-"), "switchboard-<stage>-"),
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One rule that one construct breaks. `construct` is its path below the stage, such as `data/Quarantine`."""

    stage: str
    construct: str
    rule: str


def gated_app(out: Path) -> App:
    """An empty app that the nag packs and AWS Control Tower's rules judge when it is synthesized."""
    context = {**cdk_context(), "aws:cdk:bundling-stacks": [], "aws:cdk:enable-path-metadata": True}
    app = new_app(context=context, outdir=str(out))
    control_tower: Any = CfnGuardValidator(
        control_tower_rules_enabled=True
    )  # of an older interface, which still serves
    Validations.of(app).add_plugins(*(pack(app) for pack in _PACKS), control_tower)
    return app


def inspect(app: App, out: Path) -> None:
    """Synthesize, and leave in `out` what each tool says: nothing is judged here, least of all an exit code."""
    try:
        app.synth()
    except RuntimeError as stopped:
        # With findings, which are judged below; the assembly is complete.
        if "ValidationFailed" not in str(stopped):
            raise
    templates = [str(path) for path in sorted(out.glob("assembly-*/*.template.json")) if _stage_of(path) != UNGATED]
    lint = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--format", "json", "--template"]
    checkov = [
        str(ROOT / ".local" / "environments" / "checkov" / "bin" / "checkov"),
        *("--framework", "cloudformation", "--output", "json", "--compact", "--quiet", "--file"),
    ]
    running = [
        (name, subprocess.Popen([*command, *templates], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        for name, command in ((CFN_LINT, lint), (CHECKOV, checkov))
    ]
    for name, process in running:
        said, complaint = process.communicate()
        if not said:
            raise RuntimeError(f"{name} stayed empty: {complaint[-500:]}")
        (out / name).write_text(said)


def read_findings(out: Path) -> frozenset[Finding]:
    """Every finding of every tool in a folder that `inspect` has filled, but for the ungated stage."""
    paths = dict(_paths(out))
    every = (*_validated(out / REPORT), *_linted(out / CFN_LINT, paths), *_checked(out / CHECKOV, paths))
    return frozenset(found for found in every if found.stage != UNGATED)


def _validated(report: Path) -> Iterator[Finding]:
    for plugin in json.loads(report.read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield _finding(construct["constructPath"], _readable(violation["ruleName"]))


def _linted(said: Path, paths: dict[tuple[str, str], str]) -> Iterator[Finding]:
    for match in json.loads(said.read_text()):
        template, where = Path(match["Filename"]), match["Location"]["Path"] or []
        owner = str(where[1]) if len(where) > 1 else ""
        path = paths.get((template.name, owner), f"{_stage_of(template)}/{owner}")
        yield _finding(path, match["Rule"]["Id"])


def _checked(said: Path, paths: dict[tuple[str, str], str]) -> Iterator[Finding]:
    answers: Any = json.loads(said.read_text())
    for answer in answers if isinstance(answers, list) else [answers]:
        if answer["summary"]["parsing_errors"]:
            raise RuntimeError("checkov could not read a template: run it by hand on the assembly to see which.")
        for failed in answer["results"]["failed_checks"]:
            template, logical_id = Path(failed["file_path"]).name, failed["resource"].rsplit(".", 1)[-1]
            yield _finding(paths[template, logical_id], failed["check_id"])


def _finding(path: str, rule: str) -> Finding:
    stage, _, construct = path.removesuffix("/Resource").partition("/")
    return Finding(stage, construct, rule)


def _paths(out: Path) -> Iterable[tuple[tuple[str, str], str]]:
    for file in out.glob("assembly-*/*.template.json"):
        for logical_id, resource in json.loads(file.read_text())["Resources"].items():
            yield (file.name, logical_id), resource["Metadata"]["aws:cdk:path"]


def _stage_of(template: Path) -> str:
    return template.parent.name.removeprefix("assembly-")


def _readable(rule: str) -> str:
    """A rule's id without what differs by stage or cannot be checked by a reader: places, hashes, generated exports."""
    for pattern, plain in _PLAINER:
        rule = pattern.sub(plain, rule)
    return rule
