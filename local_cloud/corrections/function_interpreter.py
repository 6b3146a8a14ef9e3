"""Python functions run with an interpreter of their own, which sees what Lambda's runtime brings and no more.

Wrong: the emulator starts functions with its own interpreter, so they import the emulator's packages, and a dependency
missing from the layer goes unnoticed until AWS. They also inherit its `LOG_LEVEL`, which silences their own logs.

AWS: the managed Python runtimes bring the standard library and the SDK; the rest comes with the package or its layers.
Source: Lambda developer guide, "Building Lambda functions with Python", "Runtime-included SDK versions".

`SWITCHBOARD_FUNCTIONS_PYTHON` names the interpreter; it stands in for every `python3.x` a template names.
"""

from __future__ import annotations

import importlib
import os

from ministack.core import lambda_runtime

from local_cloud.corrections import _seam


def apply() -> None:
    """Start Python functions with the functions' interpreter, and without the emulator's own level of logging."""
    importlib.import_module("ministack.app")  # reads its level
    os.environ.pop("LOG_LEVEL", None)
    detect = _seam.original(lambda_runtime, "_detect_runtime_binary", "runtime")
    python = os.environ["SWITCHBOARD_FUNCTIONS_PYTHON"]

    def detect_runtime_binary(runtime: str) -> tuple[str, str]:
        binary, script = detect(runtime)
        return (python if runtime.startswith("python") else binary), script

    lambda_runtime._detect_runtime_binary = detect_runtime_binary
