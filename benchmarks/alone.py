"""One contender in a process of its own: prints its time and peak memory as JSON."""

import json
import sys
import time
from pathlib import Path

from benchmarks.contenders import CONTENDERS


def main() -> None:
    read = CONTENDERS[sys.argv[1]].load()
    paths = [Path(name) for name in sys.argv[2:]]
    cpu, wall = time.process_time(), time.perf_counter()
    read(paths)
    figures = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": _peak_mb(),
    }
    print(json.dumps(figures))


def _peak_mb() -> float:
    # Not ru_maxrss: across exec it keeps the peak of the process that started this one.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
