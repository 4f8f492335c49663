"""`make dev`: the Dagster UI with daemon, schedules and sensors, on this machine only.

Until `PERFORMANCE_LOG_DIR` is set it opens the demo's logs and instance.
"""

import os
import sys
from pathlib import Path

from performance_pipeline.commands.demo import demo_settings
from performance_pipeline.commands.home import use_home
from performance_pipeline.errors import PipelineError
from performance_pipeline.settings import Settings


def main(port: str) -> None:
    """Become `dagster dev` on `port`."""
    try:
        if not os.environ.get("PERFORMANCE_LOG_DIR"):
            os.environ["PERFORMANCE_LOG_DIR"] = str(demo_settings(Path("demo")).log_dir)
        settings = Settings.from_env()
        if not settings.log_dir.is_dir():
            raise PipelineError(
                f"{settings.log_dir}: no such folder; run `make demo` first,"
                " or set PERFORMANCE_LOG_DIR to your own logs"
            )
        home = use_home(settings)
    except PipelineError as error:
        sys.exit(f"error: {error}")
    print(f"Dagster UI: http://127.0.0.1:{port}  (logs {settings.log_dir}, instance {home})")
    sys.stdout.flush()
    os.execv(
        sys.executable,
        [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", port],
    )


if __name__ == "__main__":
    main(sys.argv[1])
