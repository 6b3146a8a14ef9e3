"""Keep what a release deploys, so that later versions are tried over it: `python -m tools.release VERSION [FOLDER]`.

FOLDER is the synthesized app, `cdk.out` unless given. A kept release is a folder below `tests/upgrade`:

- `assembly-local`, the stage as it was deployed: manifest, templates, lists of assets;
- of every other stage the resources that hold data, and nothing else of its templates;
- `functions.tar.xz`, the code of the functions: `switchboard` and `lambdas` as they were.

`unpacked` makes an assembly of it that the CDK CLI deploys. The layer is today's: its wheels are many megabytes, and a
lock file names them.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.review.protection import STATEFUL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
RELEASES: Final = ROOT / "tests" / "upgrade"
CODE: Final = "functions.tar.xz"
_DEPLOYED_STAGE: Final = "assembly-local"
_MANIFEST: Final = "manifest.json"
_STACK: Final = "aws:cloudformation:stack"
_ASSETS: Final = "cdk:asset-manifest"
_STAGE: Final = "cdk:cloud-assembly"
_FUNCTION: Final = "AWS::Lambda::Function"
_LAYER: Final = "AWS::Lambda::LayerVersion"
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_HANDLER: Final = re.compile(r"lambdas\.(\w+)\.")


def versions(releases: Path = RELEASES) -> tuple[str, ...]:
    """The kept releases, the oldest first."""
    found = [folder.name for folder in releases.iterdir() if _VERSION.fullmatch(folder.name)]
    return tuple(sorted(found, key=lambda version: [int(part) for part in version.split(".")]))


def keep(assembly: Path, version: str, releases: Path = RELEASES) -> Path:
    """Write what `assembly` deploys as the release `version`, and return its folder.

    Raises `ValueError` for a version that is not like 1.2.3 or is kept already, and for an app without stage `local`.
    """
    kept = releases / version
    if not _VERSION.fullmatch(version):
        raise ValueError("VERSION is not like 1.2.3.")
    if kept.exists():
        raise ValueError(f"Release {version} is kept already, and a release is never changed.")
    if not (assembly / _DEPLOYED_STAGE / _MANIFEST).is_file():
        raise ValueError(f"{assembly} is no synthesized app. Run `make synth`.")
    stages = _artifacts(assembly, _STAGE)
    for stage in stages.values():
        name = stage["properties"]["directoryName"]
        _keep_stage(assembly / name, kept / name, whole=name == _DEPLOYED_STAGE)
    _write(kept / _MANIFEST, {"version": _read(assembly / _MANIFEST)["version"], "artifacts": stages})
    _pack(assembly, kept / CODE)
    return kept


def unpacked(kept: Path, out: Path, *, today: Path) -> Path:
    """Make an assembly of stage `local` from a kept release, in the folder `out`, which is returned.

    `today` is an assembly of today's app, from which the layer is taken.
    """
    stage = out / _DEPLOYED_STAGE
    shutil.copytree(kept / _DEPLOYED_STAGE, stage)
    stages = {key: value for key, value in _artifacts(kept, _STAGE).items() if key == _DEPLOYED_STAGE}
    _write(out / _MANIFEST, {"version": _read(kept / _MANIFEST)["version"], "artifacts": stages})
    with tarfile.open(kept / CODE) as packed:
        for asset, package in _code(stage).items():
            others = tuple(f"lambdas/{each}/" for each in set(_code(stage).values()) - {package})
            wanted = [member for member in packed.getmembers() if not member.name.startswith(others)]
            packed.extractall(out / asset, members=wanted, filter="data")
    (layer,) = _assets(today / _DEPLOYED_STAGE, _LAYER, "Content")
    for asset in _assets(stage, _LAYER, "Content"):
        shutil.copytree(today / layer, out / asset)
    return out


def _keep_stage(stage: Path, kept: Path, *, whole: bool) -> None:
    kinds = (_STACK, _ASSETS) if whole else (_STACK,)
    artifacts = _artifacts(stage, *kinds)
    for artifact in artifacts.values():
        artifact.pop("additionalMetadataFile", None)
        if not whole:
            artifact["dependencies"] = [each for each in artifact["dependencies"] if each in artifacts]
        file = artifact["properties"].get("templateFile") or artifact["properties"]["file"]
        content = _read(stage / file)
        if not whole:
            content = {"Resources": {name: each for name, each in content["Resources"].items() if _holds_data(each)}}
        _write(kept / file, content)
    _write(kept / _MANIFEST, {"version": _read(stage / _MANIFEST)["version"], "artifacts": artifacts})


def _holds_data(resource: dict[str, Any]) -> bool:
    return resource["Type"] in STATEFUL


def _pack(assembly: Path, archive: Path) -> None:
    """Pack the code of all functions: the same bytes for the same code."""
    files: dict[str, Path] = {}
    for asset in _code(assembly / _DEPLOYED_STAGE):
        root = assembly / asset
        files |= {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    with tarfile.open(archive, "w:xz") as packed:
        for name, path in sorted(files.items()):
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


def _code(stage: Path) -> dict[str, str]:
    """Folders of the functions' code, each with the package of `lambdas` that it holds."""
    found = _assets(stage, _FUNCTION, "Code")
    return {asset: _HANDLER.match(properties["Handler"])[1] for asset, properties in found.items()}  # type: ignore[index]


def _assets(stage: Path, kind: str, property_: str) -> dict[str, dict[str, Any]]:
    """Folders of the code of resources of one kind, each with the properties of a resource that has it."""
    found = {}
    for artifact in _artifacts(stage, _STACK).values():
        for resource in _read(stage / artifact["properties"]["templateFile"])["Resources"].values():
            if resource["Type"] == kind:
                key = resource["Properties"][property_]["S3Key"].removesuffix(".zip")
                found[f"asset.{key}"] = resource["Properties"]
    return found


def _artifacts(folder: Path, *kinds: str) -> dict[str, dict[str, Any]]:
    artifacts = _read(folder / _MANIFEST)["artifacts"]
    return {key: artifact for key, artifact in artifacts.items() if artifact["type"] in kinds}


def _read(file: Path) -> Any:
    return json.loads(file.read_text())


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")


def _sizes(folder: Path) -> Iterator[int]:
    return (path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: Sequence[str]) -> int:
    """Keep a release. Exit codes: 0 done, 1 refused, 2 usage."""
    if len(arguments) not in {1, 2}:
        print("usage: python -m tools.release VERSION [FOLDER]", file=sys.stderr)
        return 2
    try:
        kept = keep(Path(arguments[1]) if arguments[1:] else ROOT / "cdk.out", arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{kept.relative_to(ROOT)}: {sum(_sizes(kept)) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
