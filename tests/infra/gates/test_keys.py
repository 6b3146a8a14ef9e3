"""No key of a person stands in the source, and what is deployed never names one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from switchboard.schema.deployment import LONG_TERM_KEY
from tests.infra.templates import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = ("infra", "switchboard", "lambdas", "cli", "local_cloud", "tools", "benchmarks", "docs")
KEYS = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
OF_THE_LOCAL_CLOUD = {"cli/session.py", "local_cloud/cloud.py", "local_cloud/corrections/failure_destinations.py"}
"""Where the local cloud's own root and roles are handed over; never as a literal."""
LASTING = re.compile(rf"\b{LONG_TERM_KEY}[A-Z0-9]{{16}}\b")


def files() -> list[Path]:
    kinds = {".py", ".md", ".json", ".sh", ".toml", ".yaml"}
    return [path for name in SOURCES for path in sorted((ROOT / name).rglob("*")) if path.suffix in kinds]


def handed_over(source: str) -> Iterator[ast.keyword]:
    """Arguments of calls that carry credentials."""
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.keyword) and node.arg in KEYS)


def is_literal(argument: ast.keyword) -> bool:
    return isinstance(argument.value, ast.Constant | ast.JoinedStr) and not (
        isinstance(argument.value, ast.Constant) and argument.value.value is None
    )


def test_credentials_are_handed_over_to_the_local_cloud_only_and_never_as_text() -> None:
    scripts = {str(path.relative_to(ROOT)): path.read_text() for path in files() if path.suffix == ".py"}
    assert {name for name, source in scripts.items() if any(handed_over(source))} == OF_THE_LOCAL_CLOUD
    assert not [name for name, source in scripts.items() if any(map(is_literal, handed_over(source)))]


def test_no_lasting_key_stands_anywhere() -> None:
    assert not [path for path in files() if LASTING.search(path.read_text())]


def test_the_old_way_is_noticed() -> None:
    script = f"boto3.client('dynamodb', aws_access_key_id='{LONG_TERM_KEY}IOSFODNN7EXAMPLE')"
    assert [is_literal(argument) for argument in handed_over(script)] == [True]
    assert LASTING.search(script)
