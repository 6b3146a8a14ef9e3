"""The corrections of the emulator: one module each, with what is wrong, what AWS does, and where that is written."""

from __future__ import annotations

from importlib import import_module
from typing import Final

CORRECTIONS: Final = (
    "execution_failures",
    "failure_destinations",
    "function_interpreter",
    "handler_errors",
    "invoke_payload",
    "item_conditions",
    "map_concurrency",
    "partiql_batches",
    "partiql_permissions",
    "partiql_tokens",
    "partiql_values",
    "partiql_parses",
    "partiql_writes",
    "read_units",
    "recorded_resources",
    "role_boundaries",
    "secure_transport",
    "stream_filters",
    "stream_mappings",
    "table_exports",
    "table_features",
)
"""The modules of this package that have an `apply`, in the order in which they take hold."""


def apply() -> None:
    """Correct the emulator in this process, before it serves.

    Raises `_seam.SeamError` where the emulator no longer has what a correction replaces.
    """
    # Importing a correction imports the emulator, which only its own environment has.
    for name in CORRECTIONS:
        import_module(f"{__name__}.{name}").apply()
