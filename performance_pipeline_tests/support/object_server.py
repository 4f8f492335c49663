"""An S3-compatible server on this machine: ministack, in a virtual environment of its own.

It pins packages that the project's own environment has in other versions. `make prove` makes the
environment from `object_server.lock`; the first test that asks for it does too.
"""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.error import URLError

from performance_pipeline_tests.support.processes import free_port
from performance_pipeline_tests.support.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = ROOT / ".venv-object-server"
LOCK: Final = Path(__file__).with_name("object_server.lock")
BUCKET: Final = "a-bucket"


@contextmanager
def object_server() -> Iterator[str]:
    """The URL of a server that holds one empty bucket, called `BUCKET`, until it is left."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = subprocess.Popen(
            [_program()],
            env={
                "PATH": os.environ["PATH"],
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "SERVICES": "s3",
                "HOME": folder,
                "TMPDIR": folder,
            },
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until("an object store that answers", lambda: _has_bucket(url), 0.1)
            yield url
        finally:
            server.terminate()
            server.wait()


def credentials(url: str) -> dict[str, str]:
    """The environment in which the server at `url` is the object store."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "never-to-be-shown",
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
    }


def _has_bucket(url: str) -> bool:
    with suppress(URLError, ConnectionError):
        urllib.request.urlopen(urllib.request.Request(f"{url}/{BUCKET}", method="PUT")).close()
        return True
    return False


def _program() -> Path:
    program = ENVIRONMENT / "bin" / "ministack"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        locked = ["--require-hashes", "--no-deps", "-r", str(LOCK)]
        subprocess.run([str(ENVIRONMENT / "bin" / "python"), *install, *locked], check=True)
    return program
