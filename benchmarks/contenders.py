"""The table of contenders: who reads logs, and how exact each is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OURS = "this project"
TYPED = "floor: bare typed decode"


@dataclass(frozen=True)
class Contender:
    """A way from logs to figures; `exact` says how far its numbers are right.

    Its module is imported when it first reads, so that none weighs on the memory of another.
    """

    module: str
    function: str
    exact: str
    names_bad_lines: str
    needs: str = "msgspec"

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None

    def load(self) -> Callable[[Sequence[Path]], Any]:
        """Import what it needs, and give what reads: the figures of each log, None of a floor."""
        import_module(self.needs)
        function: Callable[[Sequence[Path]], Any] = getattr(
            import_module(f"benchmarks.{self.module}"), self.function
        )
        return function


CONTENDERS = {
    OURS: Contender("readers", "pipeline", "exact", "all, with reasons"),
    "this project, 2 processes": Contender(
        "readers", "pipeline_on_two_processes", "exact", "all, with reasons"
    ),
    "standard library": Contender("readers", "stdlib", "exact", "stops at the first"),
    "pydantic": Contender("models", "with_pydantic", "exact", "stops at the first", "pydantic"),
    "polars": Contender("frames", "with_polars", "to 6 decimals", "none", "polars"),
    "DuckDB": Contender("frames", "with_duckdb", "to 6 decimals", "none", "duckdb"),
    "pandas": Contender("frames", "with_pandas", "float64", "none", "pandas"),
    TYPED: Contender("readers", "typed_decode", "-", "-"),
    "floor: reading the bytes": Contender("readers", "read_bytes", "-", "-"),
    "this project, log cut in 2": Contender("readers", "pipeline_cut_in_two", "exact", "all"),
}
