"""A cluster on this machine as `deploy/cluster` describes it, each part a process to be killed.

The parts share nothing but their addresses: every one has folders of its own, and the logs and
results lie in the bucket.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError

import pytest
import yaml

from performance_pipeline_tests.support.object_server import BUCKET, credentials, object_server
from performance_pipeline_tests.support.postgres import Postgres, postgres
from performance_pipeline_tests.support.processes import children_of, free_port, kill_all
from performance_pipeline_tests.support.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy" / "cluster"
WORKERS: Final = ("worker-1", "worker-2")

PLACES: Final = {
    "PERFORMANCE_LOG_DIR": f"s3://{BUCKET}/logs",
    "PERFORMANCE_OUTPUT_DIR": f"s3://{BUCKET}/performance",
    "PERFORMANCE_ALERT_LOG": f"s3://{BUCKET}/performance-alerts.jsonl",
    "PERFORMANCE_TARGETS_FILE": f"s3://{BUCKET}/targets.yaml",
}


class AskedInVainError(Exception):
    """The web server answers that something behind it does not."""


class Cluster:
    """PostgreSQL, redis, an object store, code server, web server, daemon and two workers."""

    def __init__(
        self, root: Path, database: Postgres, objects: str, settings: Mapping[str, str]
    ) -> None:
        self.postgres = database
        self._root = root
        self._ports = {part: str(free_port()) for part in ("redis", "code", "web")}
        broker = f"redis://127.0.0.1:{self._ports['redis']}/0"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
            **credentials(objects),
            **PLACES,
            **settings,
            "CLUSTER_POSTGRES_URL": database.url,
            "CELERY_BROKER_URL": broker,
            "CELERY_RESULT_BACKEND": broker,
            "CLUSTER_CODE_HOST": "127.0.0.1",
            "CLUSTER_CODE_PORT": self._ports["code"],
            **deployed_options(),
        }
        self.parts: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self) -> None:
        for part in ("redis", "code"):
            self.start(part)
        wait_until("a code server that answers", self._has_code, 1)
        self.start("web")
        wait_until("a web server that answers", self._has_web, 1)
        for part in ("daemon", *WORKERS):
            self.start(part)

    def start(self, part: str) -> None:
        """Start a part, with folders of its own."""
        folder = self._root / part
        home = folder / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        (folder / "tmp").mkdir(exist_ok=True)
        shutil.copy(DEPLOY / "dagster.yaml", home)
        shutil.copy(DEPLOY / "workspace.yaml", folder)
        own = {"DAGSTER_HOME": str(home), "TMPDIR": str(folder / "tmp"), "HOME": str(folder)}
        with (folder / "printed").open("ab") as printed:
            self.parts[part] = subprocess.Popen(
                self._command(part),
                cwd=folder,
                env={**self.environment, **own, "PYTHONPATH": str(ROOT)},
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self, part: str) -> Sequence[str]:
        python, workspace = (sys.executable, "-m"), ("--workspace", "workspace.yaml")
        here = ("--host", "127.0.0.1", "--port", self._ports.get(part, ""))
        if part == "redis":
            save = ("--appendonly", "yes", "--dir", ".")
            return ("redis-server", "--bind", "127.0.0.1", "--port", self._ports["redis"], *save)
        if part == "code":
            module = ("--module-name", "performance_pipeline.definitions")
            return (*python, "dagster", "api", "grpc", *module, *here)
        if part == "web":
            return (*python, "dagster_webserver", *workspace, *here)
        if part == "daemon":
            return (*python, "dagster._daemon", "run", *workspace)
        queue = ("--queues", "dagster", "--concurrency", "1", "--prefetch-multiplier", "1")
        name = ("--hostname", f"{part}@%h", "--loglevel", "INFO")
        return (*python, "celery", "-A", "dagster_celery.app", "worker", *queue, *name)

    def kill(self, part: str) -> None:
        """The part with all its processes, at once."""
        process = self.parts.pop(part)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_child_of(self, worker: str) -> None:
        """The process in which the worker executes runs, not the one that minds it."""
        kill_all(children_of(self.parts[worker].pid))

    def stop_all(self) -> None:
        for part in [*self.parts]:
            self.kill(part)

    def printed(self, part: str) -> str:
        return (self._root / part / "printed").read_text("utf-8", errors="replace")

    def ask(self, query: str, **variables: Any) -> Any:
        """What the web server answers, as a page of Dagster's UI would ask it."""
        content = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._ports['web']}/graphql",
            content,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = json.load(answer)
        if "errors" in said:
            raise AskedInVainError(said["errors"])
        return said["data"]

    def _has_web(self) -> bool:
        with suppress(URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"http://127.0.0.1:{self._ports['web']}/server_info").close()
            return True
        return False

    def _has_code(self) -> bool:
        asked = [sys.executable, "-m", "dagster", "api", "grpc-health-check"]
        port = ["--port", self._ports["code"]]
        return subprocess.run([*asked, *port], capture_output=True, check=False).returncode == 0


def deployed_options() -> dict[str, str]:
    """What the deployment tells Dagster in the environment."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    environment: dict[str, str | None] = compose["services"]["daemon"]["environment"]
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("DAGSTER_") and value is not None
    }


def skip_without_servers() -> None:
    """Skip, with the reason, where something that a cluster takes is not installed."""
    pytest.importorskip("dagster_celery", reason="the extra `cluster` is not installed")
    if shutil.which("redis-server") is None:
        pytest.skip("redis is not installed (Debian: apt-get install redis-server)")


@contextmanager
def cluster(settings: Mapping[str, str]) -> Iterator[Cluster]:
    """A cluster of which only the database and the bucket run yet; all is stopped at the end."""
    skip_without_servers()
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        objects = stack.enter_context(object_server())
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        made = Cluster(root, database, objects, settings)
        stack.callback(made.stop_all)
        yield made
