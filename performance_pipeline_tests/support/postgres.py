"""A PostgreSQL server of the tests' own, from Debian's package; a reason to skip without it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from performance_pipeline_tests.support.processes import children_of, free_port, is_there, kill_all
from performance_pipeline_tests.support.waiting import wait_until

DEBIAN: Final = Path("/usr/lib/postgresql")


def binaries() -> Path:
    """The folder of the server's programs, the newest if Debian has several."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    return versions[-1].parent


def server_user() -> dict[str, Any]:
    """How to run the server's programs: it refuses root."""
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


class Postgres:
    """A running server with an empty database at `url`."""

    def __init__(self, folder: Path, durable: bool) -> None:
        self._programs, self._user = binaries(), server_user()
        self._folder, port = folder, free_port()
        if self._user:
            shutil.chown(folder, "postgres", "postgres")
        self._run = Run(self._programs, folder, self._user)
        data = str(folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        self._options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync={'on' if durable else 'off'}"
        # SQLAlchemy 2.1 takes a plain postgresql:// for psycopg 3, which dagster-postgres does not
        # work with.
        self.url = f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"
        self.start()

    def start(self) -> None:
        data, log = str(self._folder / "data"), str(self._folder / "log")
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", log, "-o", self._options, "start")

    def kill(self) -> None:
        """Every process of it at once."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text("utf-8").split()[0])
        pids = [pid, *children_of(pid)]
        kill_all(pids)
        # The next server does not start beside what is left of the last.
        wait_until("that PostgreSQL is gone", lambda: not any(map(is_there, pids)), 0.1)

    def stop(self) -> None:
        """As a power cut would: nothing is written any more, and the next start recovers."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")


@contextmanager
def postgres(durable: bool = False) -> Iterator[Postgres]:
    """A server until it is left; skips the test where there is none to start.

    One that is not `durable` does not wait for the disk, and loses its data in a power cut.
    """
    # Not in pytest's folders: those of root are closed to the user postgres.
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        server = Postgres(Path(name), durable)
        try:
            yield server
        finally:
            server.stop()


class Run:
    """Runs one of the server's programs and lets it fail loudly."""

    def __init__(self, programs: Path, folder: Path, user: Mapping[str, Any]) -> None:
        self.programs, self.folder, self.user = programs, folder, user

    def __call__(self, program: str, *arguments: str) -> None:
        # Into a file: a pipe would be held open by the server that pg_ctl leaves behind.
        with (self.folder.parent / f"{self.folder.name}.output").open("w+") as output:
            try:
                subprocess.run(
                    [str(self.programs / program), *arguments],
                    cwd=self.folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=True,
                    **self.user,
                )
            except subprocess.CalledProcessError as error:
                output.seek(0)
                error.add_note(output.read())
                raise
            finally:
                Path(output.name).unlink()
