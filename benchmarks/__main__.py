"""`python -m benchmarks [--quick] [JOB ...]`: run jobs, print their tables, write RESULTS.md.

Each table is written when it is there, in the place of the one before; the others stay.
"""

import argparse
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from benchmarks import false_alarms, orchestration, reading, windows
from benchmarks.events import events
from benchmarks.fills import fills
from benchmarks.imports import imports
from benchmarks.instance_growth import growth
from benchmarks.live_service import a_live_service
from benchmarks.long_history import long_history
from benchmarks.many_bots import many_bots
from benchmarks.results import Results
from benchmarks.tables import Table, Tables, environment

RESULTS = Path(__file__).with_name("RESULTS.md")

JOBS: dict[str, Callable[[Path, bool], Table | Tables]] = {
    "one-log": reading.one_log,
    "year": reading.a_year,
    "long-log": reading.one_long_log,
    "appends": reading.appends,
    "recombination": windows.recombination,
    "cold-summary": windows.cold_summary,
    "fills": fills,
    "imports": imports,
    "backfill": orchestration.backfill,
    "events": events,
    "ticks": orchestration.ticks,
    "load": orchestration.definitions_load,
    "growth": growth,
    "long-history": long_history,
    "live-service": a_live_service,
    "many-bots": many_bots,
    "edge": false_alarms.edge_alarms,
    "targets": false_alarms.shipped_targets,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small data, few rounds; writes nothing"
    )
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)}; all")
    options = parser.parse_args()
    if unknown := set(options.jobs) - JOBS.keys():
        parser.error(f"no job {', '.join(sorted(unknown))}; there are {', '.join(JOBS)}")
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    started = time.monotonic()
    print(f"{environment()}\n")
    results = Results(
        RESULTS.read_text(encoding="utf-8"), tuple(JOBS), environment(), whole=not options.jobs
    )
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        for name in options.jobs or JOBS:
            before = time.monotonic()
            section = JOBS[name](Path(folder), options.quick).markdown()
            print(section)
            print(f"{name} took {time.monotonic() - before:.0f} s\n", flush=True)
            if not options.quick:
                results.put(name, section)
                RESULTS.write_text(results.text(), encoding="utf-8")
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
