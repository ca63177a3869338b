"""The shape of the tree: imports run downwards, the orchestrator imports no framework, files stay short."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import assay

ROOT = Path(assay.__file__).parent
WORKER = ROOT / "execution" / "worker"
RUN_BY_PATH = {ROOT / folder / "check_torch.py" for folder in ("ops", "transforms")} | {
    *(ROOT / "apis" / f"{name}_torch.py" for name in ("probe", "calls", "guess")),
    ROOT / "ops" / "check_onnx.py",
    ROOT / "generate" / "python" / "probe_torch.py",
    ROOT / "transforms" / "probe_torch.py",
    *(
        ROOT / "apis" / f"{name}.py"
        for name in ("probe_jax", "probe_tensorflow", "guess_jax", "guess_tensorflow", "seed_json", "workers")
    ),
}
"""Programs for an interpreter that has the framework, and what they import from beside; nothing else imports them."""

LEVELS = (
    {"ir"},
    {"ops", "inputs", "emit"},
    {"generate", "apis", "transforms", "autodiff", "backends", "oracles"},
    {"execution"},
    {"campaign"},
    {"report", "triage"},
    {"checking"},
    {"cli"},
)
LEVEL = {package: number for number, packages in enumerate(LEVELS) for package in packages}
FRAMEWORKS = {"torch", "jax", "tensorflow", "onnx", "onnxruntime", "tvm", "openvino", "iree", "triton", "functorch"}
FILES = sorted(ROOT.rglob("*.py"))
LONGEST = 600


def _imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", node
            if node.module == "assay":
                yield from ((f"assay.{alias.name}", node) for alias in node.names)


def _package(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def _place(path: Path, node: ast.stmt) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_package_has_its_place_in_the_order() -> None:
    assert {_package(path) for path in FILES} - {""} <= set(LEVEL)


def test_imports_run_downwards_only() -> None:
    upwards = []
    for path in FILES:
        level = LEVEL.get(_package(path), len(LEVELS))
        for name, node in _imports(ast.parse(path.read_text())):
            parts = name.split(".")
            if parts[0] == "assay" and len(parts) > 1 and LEVEL.get(parts[1], 0) > level:
                upwards.append(f"{_place(path, node)} imports {name}")
    assert not upwards


def test_the_orchestrator_imports_no_framework() -> None:
    """Only the worker's program, and functions of backends that run in a worker, may."""
    wrong = []
    for path in FILES:
        if WORKER in path.parents or path in RUN_BY_PATH:
            continue
        tree = ast.parse(path.read_text())
        in_worker = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and _package(path) == "backends"
            for inner in ast.walk(node)
        }
        for name, node in _imports(tree):
            if name.partition(".")[0] in FRAMEWORKS and id(node) not in in_worker:
                wrong.append(f"{_place(path, node)} imports {name}")
    assert not wrong


def test_a_file_is_short_enough_to_be_read() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


def test_all_of_the_orchestrator_can_be_imported_without_a_framework() -> None:
    names = [
        ".".join(("assay", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in FILES
        if WORKER not in path.parents and path not in RUN_BY_PATH and path.name != "__main__.py"
    ]
    program = (
        "import sys, importlib\n"
        f"for name in {sorted(FRAMEWORKS)!r}: sys.modules[name] = None\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
