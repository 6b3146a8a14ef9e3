"""Prepare what a make target needs: Python environments, Node packages, the wheels of the functions' layer.

Standard library only, and parsable by old Pythons, so that they are told the remedy instead of a syntax error.
Each step is stamped with the hash of its lock file and of the interpreter: unchanged means nothing to do, and an
interrupted step has no stamp and is done again from scratch. A file lock per step lets two runs at once wait for each
other instead of colliding.

    python3 tools/set_up.py deploy      what `make synth`, `make demo` and `make local-up` need
    python3 tools/set_up.py test        the same, and what checks the project
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Iterator

OLDEST = (3, 11)
BASE_PYTHON = str(Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}").resolve())
"""The interpreter behind any virtual environment: what environments are made with, whatever `python3` is on PATH."""
ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
ENVIRONMENTS = LOCAL / "environments"
REQUIREMENTS = ROOT / "requirements"
WHEELS = LOCAL / "wheels"
SHOWN_LOG_LINES = 15
LAYER_LOCK = REQUIREMENTS / "layer.txt"
LOCKED = ("--require-hashes", "--only-binary=:all:")
LEAKING = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
"""Variables by which a person's shell would send packages elsewhere."""


class SetUpError(Exception):
    """A step did not succeed; the message says what to do."""


def pip(environment: Path, *arguments: str) -> "list[str]":
    """Command line of an environment's own pip."""
    python = str(environment / "bin" / "python")
    return [python, "-m", "pip", "--disable-pip-version-check", *arguments]


def install(environment: Path, requirements: str) -> "list[str]":
    """Command line that installs a lock file, wheels only: nothing is compiled on the way."""
    return pip(environment, "install", *LOCKED, "--requirement", str(REQUIREMENTS / requirements))


def create(environment: Path) -> "list[str]":
    """Command line of a new, empty environment."""
    return [BASE_PYTHON, "-m", "venv", "--clear", str(environment)]


class Step:
    """One thing to prepare: commands, the files they depend on, and the folder that they fill."""

    def __init__(
        self,
        name: str,
        says: str,
        *,
        folder: Path,
        inputs: "list[Path]",
        commands: "list[list[str]]",
        starts_empty: bool = True,
    ) -> None:
        self.name = name
        self.says = says
        self.folder = folder
        self.inputs = inputs
        self.commands = commands
        self.starts_empty = starts_empty
        self.stamp = folder / (".set-up-" + name)

    def digest(self) -> str:
        """What the step's result depends on, as one hash."""
        found = hashlib.sha256(repr((sys.version_info[:3], sys.base_prefix, self.commands)).encode())
        for path in self.inputs:
            found.update(path.read_bytes())
        return found.hexdigest()

    def is_done(self) -> bool:
        """Whether the folder holds the result of exactly these inputs."""
        return self.stamp.is_file() and self.stamp.read_text() == self.digest()

    def run(self) -> None:
        """Do the step unless it is done. Raises `SetUpError` with the end of the log."""
        if self.is_done():
            return
        with lock(self.name):
            if self.is_done():
                return
            began = time.monotonic()
            self.stamp.unlink(missing_ok=True)
            if self.starts_empty:
                shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            log = LOCAL / "log" / f"set-up-{self.name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w") as output:
                for command in self.commands:
                    self.execute(command, output, log, began)
            self.stamp.write_text(self.digest())
            say(f"set up {self.says}", began, end="\n")

    def execute(self, command: "list[str]", output: IO[str], log: Path, began: float) -> None:
        """Run one command into the log, showing that time passes."""
        clean = {name: value for name, value in os.environ.items() if name not in LEAKING}
        process = subprocess.Popen(
            command, cwd=str(ROOT), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=clean
        )
        try:
            while process.poll() is None:
                if sys.stdout.isatty():
                    say(f"setting up {self.says}", began, end="\r")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            tail = "\n".join("    " + line for line in log.read_text().splitlines()[-SHOWN_LOG_LINES:])
            raise SetUpError(
                f"Set-up of {self.name} failed:\n{tail}\nThe whole log: {log.relative_to(ROOT)}. The package "
                "registries must be reachable; run the same make target again to retry."
            )


def say(text: str, began: float, end: str) -> None:
    """Print one line of progress with the seconds so far."""
    print(f"  {text:<78} {time.monotonic() - began:4.0f} s", end=end, flush=True)


@contextlib.contextmanager
def lock(name: str) -> "Iterator[None]":
    """Hold a step's file lock; say so when another set-up holds it."""
    path = LOCAL / "locks" / (name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"  waiting for another set-up of {name}", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def environment_step(name: str, says: str) -> Step:
    """Environment of its own below .local/environments, filled from the lock file of the same name."""
    folder = ENVIRONMENTS / name
    lock_file = name + ".txt"
    return Step(
        name,
        says,
        folder=folder,
        inputs=[REQUIREMENTS / lock_file],
        commands=[create(folder), install(folder, lock_file)],
    )


PROJECT = Step(
    "project",
    "Python packages of the project, Node included (about a minute, once)",
    folder=VENV,
    inputs=[REQUIREMENTS / "project.txt"],
    commands=[create(VENV), install(VENV, "project.txt")],
)
COMMANDS = Step(
    "commands",
    "the commands `switchboard` and `cdk`",
    folder=VENV,
    inputs=[ROOT / "pyproject.toml"],
    commands=[pip(VENV, "install", "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT))],
    starts_empty=False,
)
TEST = Step(
    "test",
    "Python packages that check the project",
    folder=VENV,
    inputs=[REQUIREMENTS / "test.txt"],
    commands=[install(VENV, "test.txt")],
    starts_empty=False,
)
NODE = Step(
    "node",
    "the CDK command, and the simulator of policies for the tests",
    folder=ROOT / "node_modules",
    inputs=[ROOT / "package-lock.json", ROOT / ".npmrc"],
    commands=[[str(VENV / "bin" / "npm"), "ci"]],
)
LAYER = Step(
    "layer",
    "the wheels of the functions' layer",
    folder=WHEELS,
    inputs=[LAYER_LOCK],
    commands=[pip(VENV, "download", *LOCKED, "--dest", str(WHEELS), "--requirement", str(LAYER_LOCK))],
)
FUNCTIONS = environment_step("functions", "the Python environment of the functions on the local cloud")
EMULATOR = environment_step("emulator", "the local cloud")
CHECKOV = environment_step("checkov", "one of the gates over the templates (half a minute, once)")
PLOTS = environment_step("plots", "what draws the pictures of the benchmarks")

DEPLOY_STEPS = (PROJECT, COMMANDS, NODE, LAYER, FUNCTIONS, EMULATOR)
TEST_STEPS = (*DEPLOY_STEPS, TEST, CHECKOV)
PURPOSES = {"deploy": DEPLOY_STEPS, "test": TEST_STEPS, "bench": (*TEST_STEPS, PLOTS)}


def unfit() -> "str | None":
    """One line on what this Python lacks and the remedy; None where it serves."""
    if sys.version_info < OLDEST:
        needed, this = (".".join(map(str, version)) for version in (OLDEST, sys.version_info[:2]))
        return (
            f"Switchboard needs Python {needed} or newer and this is {this}: name one, make PYTHON=python3.12 <target>."
        )
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        return (
            "This Python lacks `venv`: install it (Debian, Ubuntu: apt install python3-venv), or make PYTHON=<another>."
        )
    return None


def main(arguments: "list[str]") -> int:
    """Prepare everything for one purpose. Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted."""
    problem = unfit()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    if len(arguments) != 1 or arguments[0] not in PURPOSES:
        print("usage: set_up.py", "|".join(PURPOSES), file=sys.stderr)
        return 2
    if sys.prefix != sys.base_prefix and not all(step.is_done() for step in PURPOSES[arguments[0]]):
        # This interpreter's own environment may be the one to make anew.
        os.execv(BASE_PYTHON, [BASE_PYTHON, __file__, *arguments])  # noqa: S606 - no shell
    try:
        for step in PURPOSES[arguments[0]]:
            step.run()
    except SetUpError as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the next run does the unfinished step again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
