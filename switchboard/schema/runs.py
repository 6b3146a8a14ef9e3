"""Backfill runs: keys of their table, keys of their objects, and what requests and reports call things."""

from __future__ import annotations

from typing import Final

PK: Final = "pk"
SK: Final = "sk"

# --- keys of the runs table ------------------------------------------------------------------------------------------
RUN_PREFIX: Final = "RUN#"
"""Partition of one run: `RUN` and one item for each segment."""
RUN: Final = "RUN"
SEGMENT_PREFIX: Final = "SEGMENT#"
CONTROL_PREFIX: Final = "CONTROL#"
"""Partition of what operators may change of a run: a partition of its own, because IAM sees no sort key."""
CONTROL: Final = "CONTROL"
LOCK_PREFIX: Final = "LOCK#"
"""Partition of a table's lock, which one run at a time holds."""
LOCK: Final = "LOCK"

# --- jobs ------------------------------------------------------------------------------------------------------------
SET_ATTRIBUTE: Final = "set_attribute"
IMPORT_LEGACY_CDR: Final = "import_legacy_cdr"
RENAME_USER: Final = "rename_user"
REPLAY: Final = "replay"
"""The failed items of an earlier run, again."""
UNDO: Final = "undo"
"""The changes of an earlier run, taken back."""
RESUME: Final = "resume"
"""Not a job: a paused or broken run, continued by another execution."""

# --- steps of the state machine --------------------------------------------------------------------------------------
STEP: Final = "step"
PLAN: Final = "plan"
SEGMENT: Final = "segment"
VERIFY: Final = "verify"
"""Also a job: the count of what an earlier run should have left, without changing anything."""
REPORT: Final = "report"
EXPLAIN: Final = "explain"
"""Why a run ends as it does: what a failed task left, as `error` and `cause`."""

# --- fields of inputs that all jobs share ----------------------------------------------------------------------------
JOB: Final = "job"
RUN_FIELD: Final = "run"
"""The earlier run that a replay, an undo or a resume is about."""
DRY_RUN: Final = "dry_run"
SEGMENTS: Final = "segments"
MAX_WRITE_UNITS: Final = "max_write_units"
MAX_READ_UNITS: Final = "max_read_units"

# --- phases of a run -------------------------------------------------------------------------------------------------
WORK: Final = "work"
COUNT: Final = "count"

# --- status of a run -------------------------------------------------------------------------------------------------
PLANNED: Final = "planned"
"""A dry run's answer: nothing was changed."""
RUNNING: Final = "running"
PAUSED: Final = "paused"
"""The execution ended with its cursors saved: `resume` continues it."""
SUCCEEDED: Final = "succeeded"
"""No item is missing the attribute, by a strongly consistent count."""
INCOMPLETE: Final = "incomplete"
"""Every item that was found was settled, but writers keep adding items without the attribute."""
FAILED: Final = "failed"
"""An item could not be settled, or the counters do not add up."""
STOPPED: Final = "stopped"
"""The execution broke off with an error: `resume` continues it once that is mended."""

# --- why a run is refused or stops -----------------------------------------------------------------------------------
INVALID_INPUT: Final = "InvalidInput"
NOT_A_TARGET: Final = "NotATarget"
RECOVERY_OFF: Final = "RecoveryOff"
RUN_IN_PROGRESS: Final = "RunInProgress"
SYSTEMIC: Final = "Systemic"
VERIFICATION_FAILED: Final = "VerificationFailed"
ERRORS: Final = (INVALID_INPUT, NOT_A_TARGET, RECOVERY_OFF, RUN_IN_PROGRESS, SYSTEMIC, VERIFICATION_FAILED)
"""Every `error` with which an execution fails. Trying again changes none of them."""
MAX_ERROR_NAME: Final = 256
"""The longest name of an error that Step Functions takes."""

EXPORTING: Final = "Exporting"
"""Not why a run fails: the export from which it is to read is not finished, so it is asked again later."""

# --- objects of the reports bucket -----------------------------------------------------------------------------------
OBJECTS_PREFIX: Final = "runs/"
REPORT_OBJECT: Final = "report.json"
FAILED_PREFIX: Final = "failed/"
JOURNAL_PREFIX: Final = "journal/"
CANDIDATES: Final = "candidates"
"""The keys of a page, before it is written; also how the name of their object ends."""
OUTCOMES: Final = "outcomes"
"""What is known of a page after it was written; also how the name of its object ends."""
UNCERTAIN: Final = "uncertain"
"""Keys that a run may have changed without learning of it."""
UNCERTAIN_PREFIX: Final = "uncertain/"
"""Where an undo lists the uncertain keys that it leaves alone."""
MAPPINGS_PREFIX: Final = "mappings/"
"""Where an operator puts the mapping file of an import."""
EXPORTS_PREFIX: Final = "exports/"


def run_key(run_id: str) -> str:
    """Partition key of a run."""
    return f"{RUN_PREFIX}{run_id}"


def segment_key(segment: int) -> str:
    """Sort key of a segment of a run, beside the run itself."""
    return f"{SEGMENT_PREFIX}{segment:06}"


def control_key(run_id: str) -> str:
    """Partition key of what operators may change of a run."""
    return f"{CONTROL_PREFIX}{run_id}"


def lock_key(table: str) -> str:
    """Partition key of a table's lock."""
    return f"{LOCK_PREFIX}{table}"


def objects_prefix(run_id: str) -> str:
    """Prefix of everything that a run keeps in the reports bucket."""
    return f"{OBJECTS_PREFIX}{run_id}/"


def journal_prefix(run_id: str, segment: int) -> str:
    """Prefix of the journal of one segment of a run: its objects in the order in which their pages were begun."""
    return f"{objects_prefix(run_id)}{JOURNAL_PREFIX}{segment:06}/"


def journal_page(run_id: str, segment: int, number_of_pass: int, version: int) -> str:
    """Prefix of the journal of one page, whose attempts' names follow; `version` counts the segment's checkpoints."""
    return f"{journal_prefix(run_id, segment)}{number_of_pass:02}-{version:09}-"


def failed_prefix(run_id: str, segment: int) -> str:
    """Prefix of the failed keys of one segment of a run."""
    return f"{objects_prefix(run_id)}{FAILED_PREFIX}{segment:06}-"


def failed_object(run_id: str, segment: int, version: int) -> str:
    """Object with the failed keys of one page."""
    return f"{failed_prefix(run_id, segment)}{version:09}.json"


def uncertain_prefix(run_id: str) -> str:
    """Prefix of the uncertain keys that an undo left alone."""
    return f"{objects_prefix(run_id)}{UNCERTAIN_PREFIX}"
