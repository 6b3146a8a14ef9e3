"""The jobs that a run may do, by the name that an execution's input gives them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from switchboard.backfill import replay_job, set_attribute, undo_job, verify_job
from switchboard.backfill.legacy import job as legacy_job
from switchboard.messages import rename_job
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.kinds import Kind

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        runs.SET_ATTRIBUTE: set_attribute.KIND,
        runs.IMPORT_LEGACY_CDR: legacy_job.KIND,
        runs.RENAME_USER: rename_job.KIND,
        runs.REPLAY: replay_job.KIND,
        runs.UNDO: undo_job.KIND,
        runs.VERIFY: verify_job.KIND,
    }
)
