"""How much of a proof that could go on for ever one run of the tests holds.

`make prove` sets PROVE=1 and runs all of it: every kill, every generated example. `make quick` and
`make test` run the usual number, so that they end while somebody waits for them. docs/testing.md
says which tests that concerns, and what each still shows.
"""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

PROVING: Final = os.environ.get("PROVE") == "1"


only_when_proving: Final = pytest.mark.skipif(
    not PROVING, reason="takes minutes: `make prove` runs it"
)


def often(whole: int, usual: int) -> int:
    """How often to try something: `whole` under `make prove`, else `usual` times."""
    return whole if PROVING else usual


def examples(whole: int) -> settings:
    """For a property: `whole` examples under `make prove`, else a fifth, new ones each time.

    One that failed is remembered in `.hypothesis`, and is tried first the next time.
    """
    return settings(max_examples=often(whole, usual=max(10, whole // 5)))


def set_up_hypothesis() -> None:
    """A property fails for what it says, never because the machine is busy; 100 examples each."""
    settings.register_profile(
        "patient",
        max_examples=often(100, usual=20),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("patient")
