"""Compiled kernels use no function or constant of another file: numba's cache would not notice when that file changes."""

import ast
from pathlib import Path

PROOFS = Path(__file__).parents[2] / "proofs"


def _compiled(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("njit" in ast.unparse(mark) for mark in node.decorator_list)
    }


TREES = {path: ast.parse(path.read_text()) for path in sorted(PROOFS.rglob("*.py"))}
COMPILED = {path: _compiled(tree) for path, tree in TREES.items()}


def test_there_are_kernels_to_look_at() -> None:
    assert sum(map(len, COMPILED.values())) > 20


def test_kernels_use_only_what_their_own_file_defines() -> None:
    astray = []
    for path, kernels in COMPILED.items():
        defined = {node.name for node in TREES[path].body if isinstance(node, ast.FunctionDef)}
        imported = {
            alias.asname or alias.name
            for node in TREES[path].body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("proofs")
            for alias in node.names
        }
        for kernel in kernels.values():
            used = {name.id for step in kernel.body for name in ast.walk(step) if isinstance(name, ast.Name)}
            astray += [f"{path.name}: {kernel.name} uses {name}" for name in used & imported - defined]
    assert astray == []


def test_every_kernel_is_kept_on_disk() -> None:
    marks = [
        ast.unparse(mark) for kernels in COMPILED.values() for node in kernels.values() for mark in node.decorator_list
    ]
    assert all("cache=True" in mark for mark in marks)
