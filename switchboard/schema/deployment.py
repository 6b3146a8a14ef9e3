"""What the deployment and its code call things: functions, published parameters, environment variables, metrics."""

from __future__ import annotations

from typing import Final

APP: Final = "switchboard"
LOCAL_STAGE: Final = "local"
LOCAL_LEGACY_TABLE: Final = "qm_staging_dev_cdr"
"""The old CDR table that stage `local` has, to be imported."""
STAGES: Final = (LOCAL_STAGE, "dev", "prod")
EXAMPLE_STAGES: Final = (LOCAL_STAGE, "dev")
"""Stages that take example data; elsewhere there are real people's conversations."""
RETAINING_STAGES: Final = ("prod",)
"""Stages whose tables are protected from deletion."""
GUARDED_STAGES: Final = (LOCAL_STAGE, "prod")
"""Stages with the stack `guardrails`, which needs a trail and a configuration recorder."""
LONG_TERM_KEY: Final = "AKIA"
"""How the access key id of an IAM user begins (IAM User Guide, "IAM identifiers"); a temporary one begins with ASIA."""

# --- functions -------------------------------------------------------------------------------------------------------
CDR_WRITER: Final = "cdr-writer"
CDR_QUERY: Final = "cdr-query"
CDR_GUARD: Final = "cdr-guard"
CDR_INGEST: Final = "cdr-ingest"
"""The queue in front of the writer."""
FAILED_INVOCATIONS: Final = "failed-invocations"
"""The queue of asynchronous invocations that a function failed for good, whoever made them."""
MESSAGES: Final = "messages"
STREAM_HANDLER: Final = "stream-handler"
BACKFILL: Final = "backfill"
"""The function and the state machine that calls it."""
FUNCTIONS: Final = (CDR_WRITER, CDR_QUERY, CDR_GUARD, MESSAGES, STREAM_HANDLER, BACKFILL)

# --- roles of calling services and of people -------------------------------------------------------------------------
QM_SERVICE: Final = "qm-service"
CDR_READER: Final = "cdr-reader"
MESSAGING_SERVICE: Final = "messaging-service"
DATA_OPERATOR: Final = "data-operator"
BACKFILL_OPERATOR: Final = "backfill-operator"
DEPLOYER: Final = "deployer"
"""The pipeline's, where the stage has one."""

# --- parameters: paths below /switchboard/<stage>/ -------------------------------------------------------------------
CDR_TABLE_PATH: Final = "cdr/table"
CDR_WRITER_PATH: Final = "cdr/writer-function"
CDR_QUERY_PATH: Final = "cdr/query-function"
CDR_QUEUE_PATH: Final = "cdr/ingest-queue"
MESSAGES_TABLE_PATH: Final = "messages/table"
MESSAGES_FUNCTION_PATH: Final = "messages/function"
STREAM_HANDLER_PATH: Final = "stream/handler-function"
QUARANTINE_PATH: Final = "quarantine/bucket"
STATE_MACHINE_PATH: Final = "backfill/state-machine"
RUNS_TABLE_PATH: Final = "backfill/runs-table"
REPORTS_PATH: Final = "backfill/reports-bucket"

TABLE_PATHS: Final = {"cdr": CDR_TABLE_PATH, "messages": MESSAGES_TABLE_PATH, "runs": RUNS_TABLE_PATH}
"""The tables by their short names, and where a stage publishes what they are called there."""

# --- environment of the functions ------------------------------------------------------------------------------------
ENV_STAGE: Final = "SWITCHBOARD_STAGE"
ENV_FUNCTION: Final = "SWITCHBOARD_FUNCTION"
"""The function's short name, such as `cdr-writer`: the metrics' dimension and the quarantine's prefix."""
ENV_CDR_TABLE: Final = "SWITCHBOARD_CDR_TABLE"
ENV_CDR_RETENTION_DAYS: Final = "SWITCHBOARD_CDR_RETENTION_DAYS"
"""Whole days; unset where CDRs are kept for ever."""
ENV_MESSAGES_TABLE: Final = "SWITCHBOARD_MESSAGES_TABLE"
ENV_QUARANTINE_BUCKET: Final = "SWITCHBOARD_QUARANTINE_BUCKET"
ENV_RUNS_TABLE: Final = "SWITCHBOARD_RUNS_TABLE"
ENV_REPORTS_BUCKET: Final = "SWITCHBOARD_REPORTS_BUCKET"
ENV_BACKFILL_TARGETS: Final = "SWITCHBOARD_BACKFILL_TARGETS"
"""JSON: the tables that `set_attribute` may change, by the names requests give them."""
ENV_LEGACY_TABLES: Final = "SWITCHBOARD_LEGACY_TABLES"
"""JSON: a list of the tables that may be imported."""
ENV_BACKFILL_WORKERS: Final = "SWITCHBOARD_BACKFILL_WORKERS"
"""How many workers a run may have at once; unset where the account's concurrency alone bounds them."""

# --- metrics ---------------------------------------------------------------------------------------------------------
METRICS_NAMESPACE: Final = "Switchboard"
DIMENSION_STAGE: Final = "stage"
DIMENSION_FUNCTION: Final = "service"
"""The dimensions of every metric; the function by its short name, under the name Powertools gives it."""
METRIC_CDR_CHANGED: Final = "CdrChanged"
"""Changes and removals of CDRs that nothing in the system may do: an alarm watches it."""
METRIC_CDR_RECEIVED: Final = "CdrReceived"
METRIC_CDR_ANSWERED: Final = "CdrAnswered"
METRIC_CDR_READ_UNITS: Final = "CdrReadUnits"
METRIC_CDR_QUERY_REFUSED: Final = "CdrQueryRefused"
METRIC_CDR_QUERY_UNAVAILABLE: Final = "CdrQueryUnavailable"
METRIC_QUARANTINED: Final = "Quarantined"
METRIC_STREAM_STOPPED: Final = "StreamStopped"
"""Batches that stopped before their end and are delivered again: now and then is normal, without pause is a fault."""

METRIC_BACKFILL_UPDATED: Final = "BackfillUpdated"
METRIC_BACKFILL_ALREADY: Final = "BackfillAlready"
METRIC_BACKFILL_DELETED: Final = "BackfillDeleted"
METRIC_BACKFILL_ITEMS_FAILED: Final = "BackfillItemsFailed"
"""Items that a run could not settle: its report lists them, and a replay tries them again."""
METRIC_BACKFILL_WRITE_UNITS: Final = "BackfillWriteUnits"
METRIC_BACKFILL_READ_UNITS: Final = "BackfillReadUnits"
METRIC_BACKFILL_FAILED: Final = "BackfillFailed"
"""Steps that were refused, stopped or found a run failed."""

# --- quarantine ------------------------------------------------------------------------------------------------------
QUARANTINE_SCHEMA: Final = "switchboard.quarantine/1"
LAMBDA_PREFIX: Final = "aws/lambda/"
"""Where Lambda itself keeps failed asynchronous invocations and discarded stream batches."""


def function_name(stage: str, function: str) -> str:
    """Name of a deployed function."""
    return f"{APP}-{stage}-{function}"


def state_machine_name(stage: str) -> str:
    """Name of the deployed state machine of the backfill."""
    return f"{APP}-{stage}-{BACKFILL}"


def queue_name(stage: str, queue: str) -> str:
    """Name of a deployed queue."""
    return f"{APP}-{stage}-{queue}"


def stack_name(stage: str, stack: str) -> str:
    """Name of a deployed stack."""
    return f"{APP}-{stage}-{stack}"


def alarm_name(stage: str, alarm: str) -> str:
    """Name of an alarm, and of what alarms tell."""
    return f"{APP}-{stage}-{alarm}"


def table_name(stage: str, table: str) -> str:
    """Name of a table, by its short name, that was built without a deployment."""
    return f"{APP}-{stage}-{table}"


def parameter_name(stage: str, path: str) -> str:
    """SSM parameter under which a caller finds a resource."""
    return f"/{APP}/{stage}/{path}"


def role_path(role: str) -> str:
    """Parameter path of a role."""
    return f"roles/{role}"


def output_name(path: str) -> str:
    """Stack output of the same resource: the path in PascalCase (`cdr/writer-function` -> `CdrWriterFunction`)."""
    return "".join(word.capitalize() for word in path.replace("/", "-").split("-"))


def cdr_query_metric(query: str) -> str:
    """Metric that counts the answers to one kind of query (`by_time` -> `CdrQueryByTime`)."""
    return "CdrQuery" + "".join(word.capitalize() for word in query.split("_"))


def cdr_status_metric(status: str) -> str:
    """Metric that counts the records of one status (`not_first` -> `CdrNotFirst`)."""
    return "Cdr" + "".join(word.capitalize() for word in status.split("_"))


def messages_outcome_metric(outcome: str) -> str:
    """Metric that counts the answers of the messages function with one outcome: `answered`, or an error's code."""
    return "Messages" + "".join(word.capitalize() for word in outcome.split("_"))
