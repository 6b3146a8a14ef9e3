"""Where the local cloud's parts lie: everything below the repository, nothing in a person's home."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LOCAL: Final = ROOT / ".local"
CLOUDS: Final = LOCAL / "clouds"
"""One directory per running cloud."""
ENV_FILE: Final = LOCAL / "env"
"""What a shell sources to talk to the cloud left running by `make local-up`."""
ASSEMBLY: Final = ROOT / "cdk.out"
EMULATOR_PYTHON: Final = LOCAL / "environments" / "emulator" / "bin" / "python"
FUNCTIONS_PYTHON: Final = LOCAL / "environments" / "functions" / "bin" / "python"
"""The interpreter of the functions: what Lambda's Python runtime brings, nothing of the project or the emulator."""
CDK_CLI: Final = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
