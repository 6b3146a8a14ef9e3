"""Where templates come from: this tree, another revision of it, or a folder that somebody synthesized."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.errors import Code, Failure
from cli.review.assembly import read_assembly
from cli.review.register import PROGRAM, read_register
from local_cloud import cdk
from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import StageTemplates
    from cli.review.register import Register

_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME")
"""What synthesis takes over from a person's environment: no credentials, no settings of AWS or of the CDK."""
_TAIL: Final = 20


@dataclass(frozen=True, slots=True)
class Source:
    """A synthesized app, what to call it, and its register of acknowledged findings where it is known."""

    name: str
    stages: tuple[StageTemplates, ...]
    register: Register = field(default_factory=dict)


def working_tree() -> Source:
    """The tree of this program as it is now. Raises `Failure` where it does not synthesize."""
    return _synthesized(ROOT, "the working tree")


def folder(path: Path, *, of_this_tree: bool) -> Source:
    """An assembly in a folder, such as `cdk.out`; nobody knows what was acknowledged then, unless it is of this tree.

    Raises `Failure` for a folder that is no assembly.
    """
    try:
        return Source(str(path), read_assembly(path), _register(ROOT) if of_this_tree else {})
    except (OSError, ValueError, KeyError) as error:
        raise Failure(
            Code.NOT_FOUND,
            f"{path} is no synthesized assembly.",
            remedy="Give a folder as `make synth` writes it.",
        ) from error


def revision(name: str) -> Source:
    """Another revision of this repository, synthesized with the installed packages in a tree that is gone afterwards.

    Raises `Failure` for what is no revision, or one that does not synthesize.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None:
        raise Failure(
            Code.NOT_FOUND,
            f"{name} is neither a folder nor a revision of this repository.",
            remedy="`git log --oneline` lists revisions; a folder is one that `make synth` wrote.",
        )
    with _worktree(commit) as tree:
        return _synthesized(tree, f"revision {name}" if commit.startswith(name) else f"revision {name} ({commit[:9]})")


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="switchboard-review-") as temporary:
        tree = Path(temporary, "tree")
        try:
            if _git("worktree", "add", "--detach", "--quiet", str(tree), commit) is None:
                raise Failure(
                    Code.FAULT, "git could not check the revision out.", remedy="`git worktree list` may say why."
                )
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> str | None:
    """What git says, without its last line's end; None where it refuses."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607 - wherever git is
    return done.stdout.strip() if done.returncode == 0 else None


def _synthesized(tree: Path, name: str) -> Source:
    """The app of a tree, as the CDK CLI would run it, but without unpacking the layer: its hash is the same."""
    context = json.loads((tree / "cdk.json").read_text())["context"]
    context |= {"aws:cdk:bundling-stacks": [], "aws:cdk:enable-path-metadata": True}
    with tempfile.TemporaryDirectory(prefix="switchboard-review-") as out:
        _run(
            tree, "app.py", failure=f"{name} does not synthesize.", CDK_OUTDIR=out, CDK_CONTEXT_JSON=json.dumps(context)
        )
        return Source(name, read_assembly(Path(out)), _register(tree))


def _register(tree: Path) -> Register:
    return read_register(_run(tree, "-c", PROGRAM, failure="The acknowledged findings cannot be read."))


def _run(tree: Path, *words: str, failure: str, **settings: str) -> str:
    """What a program of a tree prints; the tree's own packages come first."""
    environment: Mapping[str, str] = {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **cdk.environment(),
        **settings,
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failure(
            Code.REFUSED,
            failure,
            remedy="Mend it, or install what it needs with `make setup`.",
            details=tuple(done.stderr.splitlines()[-_TAIL:]),
        )
    return done.stdout
