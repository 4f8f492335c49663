"""One contender in a process of its own: prints its time and peak memory as JSON."""

import json
import sys
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.measure import timed


def main() -> None:
    read = CONTENDERS[sys.argv[1]].load()
    paths = [Path(name) for name in sys.argv[2:]]
    run = timed(lambda: read(paths))()
    figures = {"wall": run.wall, "cpu": run.cpu, "peak_mb": peak_mb()}
    print(json.dumps(figures))


def peak_mb() -> float:
    """The most memory that this process has had so far."""
    # Not ru_maxrss: across exec it keeps the peak of the process that started this one.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
