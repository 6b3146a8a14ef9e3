"""The file from which an interrupted backfill goes on."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from cli.errors import Code, Failure
from switchboard.backfill.engine import Checkpoint, Counters

if TYPE_CHECKING:
    from pathlib import Path

    from switchboard.backfill.job import SetAttribute

_SCHEMA: Final = "switchboard.backfill-checkpoint/1"
"""The member that holds the job: a file without it is none of these."""


class CheckpointFile:
    """How far one job is, in a file that is replaced whole after every page. It holds a key of the table."""

    def __init__(self, path: Path, job: SetAttribute) -> None:
        self._path = path
        self._job = {
            "table": job.table.name,
            "attribute": job.attribute,
            "value": job.value,
            "prefix": job.prefix,
        }

    def read(self) -> Checkpoint:
        """Where the job goes on: at its beginning where there is no file.

        Raises `Failure` for a file that is none of these, or another job's.
        """
        try:
            content: Any = json.loads(self._path.read_text())
            job, at = content[_SCHEMA], content["at"]
            checkpoint = Checkpoint(**{**at, "counters": Counters(**at["counters"])})
        except FileNotFoundError:
            return Checkpoint()
        except (OSError, ValueError, KeyError, TypeError):
            raise Failure(
                Code.USAGE, "The checkpoint cannot be read.", remedy="Give another file; the run then begins anew."
            ) from None
        if job != self._job:
            raise Failure(
                Code.USAGE,
                "The checkpoint is another job's: its table, attribute, value or prefix differs.",
                remedy="Give that job's options, or another file.",
            )
        return checkpoint

    def write(self, at: Checkpoint) -> None:
        """Replace the file."""
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(json.dumps({_SCHEMA: self._job, "at": asdict(at)}))
        new.replace(self._path)

    def remove(self) -> None:
        """The run has its verdict: there is nothing to go on with."""
        self._path.unlink(missing_ok=True)
