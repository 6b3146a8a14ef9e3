"""`switchboard quarantine`: what could not be processed, and once more."""

from __future__ import annotations

import json
import sys
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli import fitting, options, output, redriving, tables
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cli.session import Target

app = typer.Typer(no_args_is_help=True, help="What could not be processed, with its payload.")

_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})

Key = Annotated[str, typer.Argument(metavar="KEY", help="The object's key, as list shows it.", show_default=False)]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    prefix: Annotated[
        str, typer.Option("--prefix", metavar="TEXT", help="Only keys that begin so, such as cdr-writer/2026/11.")
    ] = "",
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each object as JSON, one per line.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """List what is in the quarantine: what the functions keep themselves, and below aws/lambda/ what Lambda keeps."""
    bucket = _Bucket(tools_of(context).connect(options.where(stage, endpoint_url, profile, region)))
    table = fitting.plain()
    for title in ("kept at", "bytes", "key"):
        table.add_column(
            title, overflow="fold", no_wrap=title != "key", justify="right" if title == "bytes" else "left"
        )
    count = 0
    with output.waiting("Listing the quarantine", shown=not as_json):
        for found in bucket.objects(prefix):
            count += 1
            kept_at = found["LastModified"].astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            if as_json:
                row = {"key": found["Key"], "bytes": found["Size"], "kept_at": kept_at}
                sys.stdout.write(json.dumps(row) + "\n")
            else:
                table.add_row(kept_at, f"{found['Size']:,}", tables.cell(found["Key"]))
    if count and not as_json:
        output.results().print(table)
    output.say(f"{output.counted(count, 'object')}.")


@app.command()
def show(
    context: typer.Context,
    *,
    key: Key,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document as it is.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Print one document, its payload included."""
    bucket = _Bucket(tools_of(context).connect(options.where(stage, endpoint_url, profile, region)))
    text = bucket.read(key).text
    if as_json:
        sys.stdout.write(text + "\n")
        return
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        output.say("This object is not JSON.")
    output.result(text)


@app.command()
def redrive(
    context: typer.Context,
    *,
    key: Key,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Give one payload to its function again, and remove the object when that succeeded.

    Ends with 5 where it is refused again; the object stays then, or single records of it lie under keys of their own,
    which are told. Functions do the same work once however often they are
    given it, so a redrive that was interrupted may be repeated.
    """
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    bucket = _Bucket(target)
    read = bucket.read(key)
    wanted = redriving.again(key, _document(read.text), stage=target.stage)
    function = deployment.function_name(target.stage, wanted.function)
    kept = redriving.kept_again(wanted, now=tools.clock())
    before = {**bucket.versions(kept), key: read.version}
    redriving.settle(wanted, lambda payload: target.call(function, payload))
    # A function that quarantines it again answers that all is done, and writes the object anew, or one per record.
    written = [at for at, version in bucket.versions({key, *kept}).items() if version != before.get(at)]
    if key in written:
        raise redriving.refused(("the function put it into the quarantine again",))
    bucket.remove(key)
    if written:
        raise redriving.moved(tuple(written))
    if as_json:
        sys.stdout.write(json.dumps({"key": key, "function": wanted.function, "removed": True}) + "\n")
    else:
        output.results().print(f"Done by {wanted.function}, and removed from the quarantine.")


class _Object:
    """An object as it was read."""

    def __init__(self, text: str, version: tuple[str, ...]) -> None:
        self.text = text
        self.version = version


class _Bucket:
    """The stage's quarantine."""

    def __init__(self, target: Target) -> None:
        self._s3 = target.client("s3")
        self._name = target.parameter(deployment.QUARANTINE_PATH)

    def objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        following: dict[str, Any] = {}
        while True:
            page = self._s3.list_objects_v2(Bucket=self._name, Prefix=prefix, **following)
            yield from page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, key: str) -> _Object:
        answer = self._ask(self._s3.get_object, key)
        return _Object(answer["Body"].read().decode(errors="replace"), _version(answer))

    def version(self, key: str) -> tuple[str, ...]:
        return _version(self._ask(self._s3.head_object, key))

    def versions(self, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The versions of those of `keys` that exist."""
        folders = sorted({key.rpartition("/")[0] for key in keys})
        found = [each["Key"] for folder in folders for each in self.objects(f"{folder}/") if each["Key"] in keys]
        return {key: self.version(key) for key in found}

    def remove(self, key: str) -> None:
        self._s3.delete_object(Bucket=self._name, Key=key)

    def _ask(self, call: Any, key: str) -> Any:
        try:
            return call(Bucket=self._name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            raise Failure(
                Code.NOT_FOUND, "There is no such object.", remedy="`switchboard quarantine list` shows the keys."
            ) from None


def _version(answer: dict[str, Any]) -> tuple[str, ...]:
    return answer.get("VersionId", ""), str(answer["LastModified"])


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
