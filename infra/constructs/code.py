"""The code of the functions, made without Docker and without a network."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, IgnoreMode, ILocalBundling
from aws_cdk.aws_lambda import Code

ROOT: Final = Path(__file__).resolve().parents[2]
LAYER_LOCK: Final = ROOT / "requirements" / "layer.txt"
WHEELS: Final = ROOT / ".local" / "wheels"
PYTHON_VERSION: Final = "3.14"
"""What the functions run on; the layer's wheels are chosen for it."""

PIP_OPTIONS: Final = (
    "--isolated",
    "--no-index",
    "--no-compile",
    "--disable-pip-version-check",
    "--quiet",
    "--require-hashes",
    "--only-binary=:all:",
    "--platform=manylinux2014_aarch64",
    "--implementation=cp",
    f"--python-version={PYTHON_VERSION}",
)


def function_code(package: str, root: Path = ROOT) -> Code:
    """The domain and one function's own package, so that a change of another function leaves this one's hash alone."""
    return Code.from_asset(
        str(root),
        ignore_mode=IgnoreMode.GIT,
        exclude=[
            "/*",
            "!/switchboard",
            "!/lambdas",
            "/lambdas/*",
            "!/lambdas/__init__.py",
            f"!/lambdas/{package}",
            "__pycache__",
        ],
    )


def layer_code(wheels: Path = WHEELS) -> Code:
    """The locked dependencies as a layer. Its hash is that of the lock file and of how it is unpacked.

    Raises `RuntimeError` where the wheels are missing or are not the locked ones.
    """
    version = hashlib.sha256(LAYER_LOCK.read_bytes() + repr(PIP_OPTIONS).encode()).hexdigest()
    return Code.from_asset(
        str(LAYER_LOCK.parent),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=version,
        bundling=BundlingOptions(image=DockerImage.from_registry("unused"), local=_OfflinePip(wheels)),
    )


@jsii.implements(ILocalBundling)
class _OfflinePip:
    """Unpacks the wheels that set-up downloaded. It never answers `False`, with which CDK would reach for Docker."""

    def __init__(self, wheels: Path) -> None:
        self._wheels = wheels

    def try_bundle(self, output_dir: str, *_options: object, **_named: object) -> bool:
        """Fill `output_dir` with what a function finds at `/opt`."""
        target = Path(output_dir, "python")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                *PIP_OPTIONS,
                f"--find-links={self._wheels}",
                f"--requirement={LAYER_LOCK}",
                f"--target={target}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                "The functions' layer cannot be made from the wheels below .local/wheels: they are missing or not the "
                f"locked ones. `make setup` downloads them. pip says: {done.stderr.strip()}"
            )
        # Console scripts, which no function calls: their first line would be this machine's interpreter.
        shutil.rmtree(target / "bin", ignore_errors=True)
        return True
