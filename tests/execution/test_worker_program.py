"""The worker's program runs where Assay is not installed, on older interpreters too."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from assay.execution.client import PROGRAM

OF_TORCH = ("sympy",)
"""What torch itself cannot be imported without."""

FILES = sorted(PROGRAM.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_of_the_worker_is_python_3_9_and_needs_no_assay(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
        for name in names:
            assert name.partition(".")[0] in {
                *sys.stdlib_module_names,
                "numpy",
                "torch",
                "onnx",
                "onnxruntime",
                "ml_dtypes",
                *OF_TORCH,
                *(each for each in ("jax", "tensorflow") if file.stem.startswith(f"{each}_")),
            }, name
        assert not isinstance(node, ast.Match)
    docstring_first = ast.get_docstring(tree)
    assert docstring_first, "a file says what it is for"


def test_only_the_runtimes_of_a_framework_import_it() -> None:
    for file in FILES:
        for framework in ("torch", "jax", "tensorflow"):
            if not file.stem.startswith(f"{framework}_"):
                assert f"import {framework}" not in file.read_text(), file.name
