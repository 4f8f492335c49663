"""How much of a proof that could go on for ever one run of the tests holds.

`make prove` sets PROVE=1 and runs all of it: every kill, every generated example. `make quick` and
`make test` run the usual number, so that they end while somebody waits for them. docs/testing.md
says which tests that concerns, and what each still shows.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

PROVING: Final = os.environ.get("PROVE") == "1"


def often(whole: int, usual: int) -> int:
    """How often to try something: `whole` under `make prove`, else `usual` times."""
    return whole if PROVING else usual


def examples(whole: int, usual: int | None = None) -> settings:
    """For a property: how many examples to generate, as `often` has it; those that are cheap, all.

    One that failed is remembered in `.hypothesis`, and is tried first the next time.
    """
    return settings(max_examples=often(whole, usual or whole))


def without_limits_of_time() -> None:
    """Let no property fail because the machine is busy with something else."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings.register_profile("patient", deadline=None, suppress_health_check=slow)
    settings.load_profile("patient")
