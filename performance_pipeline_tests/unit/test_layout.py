"""How the tests hang together."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the full name of everything that the module at `path` imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def test_what_a_test_module_shares_stands_in_support() -> None:
    """No test module imports from another, not even a relative one."""
    outside = [
        f"{path.relative_to(TESTS)}:{line}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for line, name in imports(path)
        if name.startswith((f"{TESTS.name}.", "."))
        and not name.startswith(f"{TESTS.name}.support.")
    ]
    assert outside == []
