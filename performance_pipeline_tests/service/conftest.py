"""What an adopter has, for the tests of what is built and installed."""

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

import pytest

CLONE: Final = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def adopter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel; the packages it needs are shared."""
    root = tmp_path_factory.mktemp("adopter")
    offline = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip")
    subprocess.run(
        [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", root, CLONE], check=True
    )
    (wheel,) = root.glob("performance_pipeline-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "venv"], check=True)
    python = root / "venv" / "bin" / "python"
    subprocess.run([*pip, "--python", python, "install", *offline, wheel], check=True)
    (packages,) = (root / "venv" / "lib").glob("python*/site-packages")
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python.parent
