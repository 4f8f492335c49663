"""What `import performance_pipeline` offers: these names, typed, and loaded when first used."""

import subprocess
import sys
from datetime import date
from importlib import resources
from typing import assert_type

import pandas as pd
import pytest

import performance_pipeline

PUBLIC = [
    "BotPerformance",
    "PerformanceSummary",
    "PerformanceTracker",
    "Period",
    "PipelineError",
    "Settings",
    "Window",
    "load_summaries",
    "load_trades",
]


def test_the_package_offers_these_names_and_each_is_there() -> None:
    assert performance_pipeline.__all__ == PUBLIC
    names: dict[str, object] = {}
    exec("from performance_pipeline import *", names)
    assert sorted(names.keys() - {"__builtins__"}) == PUBLIC
    for name in PUBLIC:
        found = names[name]
        assert getattr(found, "__name__", None) == name
        assert getattr(found, "__doc__", None)
    assert set(PUBLIC) <= set(dir(performance_pipeline))


def test_the_package_offers_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_everything'"):
        # A type checker refuses it too, or mypy would call this comment unused.
        _ = performance_pipeline.load_everything  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_before_it_is_used() -> None:
    code = """
import sys
import performance_pipeline
def loaded():
    return {"dagster", "pandas", "msgspec"} & sys.modules.keys()
assert not loaded()
performance_pipeline.PerformanceTracker, performance_pipeline.Settings, performance_pipeline.Window
assert loaded() == {"msgspec"}
performance_pipeline.load_trades
assert loaded() == {"msgspec", "pandas"}
performance_pipeline.BotPerformance
assert loaded() == {"dagster", "msgspec", "pandas"}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def types_of_the_surface(settings: performance_pipeline.Settings, day: date) -> None:
    """Never called: mypy reads it, and fails where a type is another one, or is not known."""
    tracker = performance_pipeline.PerformanceTracker(settings)
    window = performance_pipeline.Window.WEEKLY
    summary = tracker.get_summary(window, day)
    period = performance_pipeline.Period.of(window, day)
    assert_type(summary, performance_pipeline.PerformanceSummary)
    assert_type(tracker.summarize(period), performance_pipeline.PerformanceSummary)
    assert_type(performance_pipeline.load_summaries(window, day, day, tracker), pd.DataFrame)
    assert_type(performance_pipeline.load_trades(day, day, tracker), pd.DataFrame)
    assert_type(performance_pipeline.__version__, str)


def test_the_package_says_that_it_is_typed() -> None:
    assert (resources.files("performance_pipeline") / "py.typed").is_file()


def test_the_version_is_told_on_the_command_line() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "performance_pipeline", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout == f"performance-pipeline {performance_pipeline.__version__}\n"
