"""Which layer imports which: the package's imports, read from its source, go one way."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

import performance_pipeline

PACKAGE: Final = "performance_pipeline"

# Each layer imports from itself and from layers before it; those of one row, not from each other.
ROWS: Final = (
    ("errors",),
    ("domain",),
    ("places",),
    ("setting_values",),
    ("settings",),
    ("storage", "reports"),
    ("sources",),
    ("pipeline",),
    ("defs",),
    ("commands", "definitions", "cluster"),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
LEVELS: Final = {layer: level for level, row in enumerate(ROWS) for layer in row}
# What the package itself offers comes from its layers, and only the command line looks there.
SURFACE: Final = "__init__"
# Beside the package, and not in its wheel.
NOT_SHIPPED: Final = ("performance_pipeline_tests", "benchmarks")

INTERNALS: Final = "defs/dagster_internals.py"
PRIVATE: Final = ("dagster._",)


class Import(NamedTuple):
    """One import statement of a module: `target` is the whole dotted name."""

    module: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def imports(root: Path) -> tuple[Import, ...]:
    """Every import below the package at `root`, also within functions and for types alone."""
    return tuple(_read_imports(root))


def _read_imports(root: Path) -> Iterator[Import]:
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                yield from (Import(module, node.lineno, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = _source(root, path, node)
                yield from (
                    Import(module, node.lineno, f"{source}.{name.name}") for name in node.names
                )


def _source(root: Path, path: Path, node: ast.ImportFrom) -> str:
    """What an import is from, a relative one written out."""
    if not node.level:
        return node.module or ""
    parents = (PACKAGE, *path.relative_to(root).parent.parts)
    base = parents[: len(parents) - node.level + 1]
    return ".".join((*base, *([node.module] if node.module else [])))


def layer_of(module: str) -> str:
    return module.partition("/")[0].removesuffix(".py")


def wrong_directions(root: Path) -> list[str]:
    """The imports that go against the layers, and the modules that belong to none."""
    found = []
    for one in imports(root):
        first, *rest = one.target.split(".")
        importing = layer_of(one.module)
        imported = rest[0] if rest and rest[0] in LEVELS else SURFACE
        if first in NOT_SHIPPED or importing not in LEVELS:
            found.append(f"{one}, outside the layers")
        elif first == PACKAGE and importing != imported and LEVELS[importing] <= LEVELS[imported]:
            found.append(str(one))
    return found


def private_imports(root: Path) -> list[Import]:
    return [one for one in imports(root) if one.target.startswith(PRIVATE)]


def test_imports_go_from_later_layers_to_earlier_ones_and_never_back() -> None:
    assert wrong_directions(Path(performance_pipeline.__path__[0])) == []


def test_every_layer_is_there_and_every_module_has_one() -> None:
    root = Path(performance_pipeline.__path__[0])
    modules = [path.relative_to(root).as_posix() for path in root.rglob("*.py")]
    assert {layer_of(module) for module in modules} == LEVELS.keys()


def test_dagsters_private_modules_are_imported_in_one_place() -> None:
    found = private_imports(Path(performance_pipeline.__path__[0]))
    assert {one.module for one in found} == {INTERNALS}


@pytest.mark.parametrize(
    ("package", "importing"),
    [
        ("dagster", {"defs", "commands", "definitions", "cluster"}),
        ("pandas", {"pipeline/frames.py"}),
        ("dagster_celery", {"cluster"}),
        ("dagster_postgres", {"cluster"}),
        (
            "numpy",
            {
                f"domain/simulation/{name}.py"
                for name in ("chances", "judging", "limits", "lives", "paths", "sums")
            },
        ),
        ("obstore", {"storage/bucket.py", "storage/object_store.py"}),
    ],
)
def test_what_takes_long_to_import_is_imported_where_it_is_needed_alone(
    package: str, importing: set[str]
) -> None:
    found = [
        one
        for one in imports(Path(performance_pipeline.__path__[0]))
        if one.target.split(".")[0] == package
    ]
    assert found
    assert [one for one in found if not {one.module, layer_of(one.module)} & importing] == []


# --- the same over made-up packages, which it must not let pass -------------------------------


def made_up(root: Path, module: str, source: str) -> Path:
    for name, content in {"errors.py": "", "domain/trades.py": "", module: source}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("errors.py", "import performance_pipeline.domain.trades", ".domain.trades"),
        ("domain/trades.py", "from performance_pipeline.settings import S", ".settings.S"),
        ("domain/trades.py", "from performance_pipeline import settings", ".settings"),
        ("domain/trades.py", "from ..settings import Settings", ".settings.Settings"),
        ("domain/trades.py", "from .. import storage", ".storage"),
        ("settings.py", "from .storage.files import write", ".storage.files.write"),
        ("storage/files.py", "import performance_pipeline.reports.markdown", ".reports.markdown"),
        ("reports/page/html.py", "from ...storage import files", ".storage.files"),
        ("pipeline/a/b/deep.py", "from ....defs import keys", ".defs.keys"),
        ("defs/assets.py", "from performance_pipeline.commands import x", ".commands.x"),
        ("commands/demo.py", "from performance_pipeline.definitions import x", ".definitions.x"),
        ("commands/demo.py", "def run():\n    import performance_pipeline.cli", ".cli"),
        ("domain/trades.py", "from performance_pipeline.helpers import x", ".helpers.x"),
        ("domain/trades.py", "import performance_pipeline", ""),
        ("commands/demo.py", "from performance_pipeline import Window", ".Window"),
        ("__init__.py", "from performance_pipeline.cli import main", ".cli.main"),
        (
            "domain/trades.py",
            "if TYPE_CHECKING:\n    from performance_pipeline.cli import x",
            ".cli.x",
        ),
    ],
)
def test_an_import_against_the_layers_is_found_where_it_stands(
    tmp_path: Path, module: str, source: str, target: str
) -> None:
    line = source.count("\n") + 1
    assert wrong_directions(made_up(tmp_path, module, source)) == [
        f"{module}:{line} imports {PACKAGE}{target}"
    ]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("helpers/tools.py", "from performance_pipeline.errors import PipelineError"),
        ("commands/demo.py", "from performance_pipeline_tests.support import lines"),
        ("__init__.py", "import benchmarks.data"),
    ],
)
def test_a_module_without_a_layer_and_an_import_of_what_is_not_shipped_are_found(
    tmp_path: Path, module: str, source: str
) -> None:
    (found,) = wrong_directions(made_up(tmp_path, module, source))
    assert found.endswith("outside the layers")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("domain/trades.py", "from performance_pipeline.errors import PipelineError"),
        ("domain/trades.py", "from .windows import Window\nimport decimal"),
        ("cli/__init__.py", "from performance_pipeline import __version__"),
        ("cli/a.py", "def run():\n    from performance_pipeline.defs.assets import trade_log_spec"),
        ("__init__.py", "from performance_pipeline.pipeline.tracker import PerformanceTracker"),
    ],
)
def test_an_import_along_the_layers_passes(tmp_path: Path, module: str, source: str) -> None:
    assert wrong_directions(made_up(tmp_path, module, source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from dagster._core.events import DagsterEvent",
        "def run():\n    import dagster._serdes",
        "from dagster import _core",
    ],
)
def test_a_private_import_from_dagster_is_found(tmp_path: Path, source: str) -> None:
    found = private_imports(made_up(tmp_path, "defs/assets.py", source))
    assert [one.module for one in found] == ["defs/assets.py"]
