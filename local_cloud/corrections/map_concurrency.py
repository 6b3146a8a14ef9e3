"""A map works on as many items at once as its input says.

Wrong: `MaxConcurrencyPath` is ignored, and a map works on all of its items at once.

AWS: `MaxConcurrencyPath` is a reference path to the greatest number of items at once; zero sets no limit.
Source: Step Functions developer guide, "Using Map state in Inline mode" and "Using Map state in Distributed mode".
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

from local_cloud.corrections import _seam


def apply() -> None:
    """Put the number that the path leads to where the emulator looks for one."""
    run = _seam.original(stepfunctions, "_run_map_items", "state_def", "raw_input", "execution", "ctx")
    select = _seam.original(stepfunctions, "_apply_input_path", "state_def", "data", "ctx")
    resolve = _seam.original(stepfunctions, "_resolve_path_or_ctx", "path", "data", "ctx")

    def run_map_items(state_def: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
        path = state_def.get("MaxConcurrencyPath")
        if path is not None:
            most = resolve(path, select(state_def, raw_input, ctx), ctx)
            if type(most) is not int or most < 0:
                raise stepfunctions._ExecutionError(
                    "States.Runtime", "The value referenced by MaxConcurrencyPath must be a whole number, 0 or more"
                )
            state_def = {**state_def, "MaxConcurrency": most}
        return run(state_def, raw_input, execution, ctx)

    stepfunctions._run_map_items = run_map_items
