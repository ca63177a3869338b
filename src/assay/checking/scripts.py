"""The script of a difference that the subject itself shows: the user's file, the inputs, the target, and a comparison.

    header, the file's text, program and inputs, compile_program (the backend's), observe, main

What can be shown without the user's file, on a reduced program, is written by `assay.triage.scripts` instead.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from assay.backends import find_backend
from assay.checking.texts import NAMED, Subject, Way, call_lines, settings_lines
from assay.ir.case import Case
from assay.oracles.verdict import Judgement, Kind
from assay.triage.script_text import ENTRY, in_docstring
from assay.triage.scripts import summary

_LOAD = '''
def fresh():
    """Execute the file anew, so that no run sees what another left."""
    global FILE, SUBJECT
    torch.manual_seed(0)
    random.seed(0)
    FILE = types.ModuleType("user")
    sys.modules["user"] = FILE
    exec(compile(SOURCE, "user.py", "exec"), FILE.__dict__)
    SUBJECT = named(FILE, NAME)
'''.strip().splitlines()

_WIDE = '''
def wide(value):
    """A float64 copy of a tensor of floats."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    return value.detach().double().requires_grad_(value.requires_grad)
'''.strip().splitlines()

_OBSERVE = '''
def observe(function, convert=lambda value: value):
    """What the difference is about, after the last call."""
    fresh()
    STATE
    for call in range(CALLS):
        arguments = tree_map(convert, inputs(call))
        torch.manual_seed(0)
        with torch.set_grad_enabled(TRAINING):
            result = function(GIVEN)
        BACKWARD
    return SEEN
'''.strip().splitlines()

_BACKWARD = '''
def backward(result):
    """Run backward with small integers as cotangents."""
    roots, cotangents = [], []
    for k, leaf in enumerate(tensors(result)):
        if leaf.requires_grad:
            cotangent = (torch.arange(leaf.numel()) * 7 + 3 * k) % 5 - 2
            roots.append(leaf)
            cotangents.append(cotangent.to(leaf.dtype).reshape(leaf.shape))
    torch.autograd.backward(roots, cotangents)
'''.strip().splitlines()

_TENSORS = '''
def tensors(value):
    """The tensors in nested containers."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
'''.strip().splitlines()

_DIFFERS = '''
def differs(actual, expected, reference):
    """Beyond the tolerances, and farther from the float64 result than rounding explains."""
    try:
        torch.testing.assert_close(actual, expected, equal_nan=True)
        return False
    except AssertionError:
        if actual.shape != expected.shape or not expected.is_floating_point():
            return True
    rounding = 256 * torch.finfo(expected.dtype).eps * reference.abs().max()
    allowed = 4 * (expected.double() - reference).abs().max() + rounding
    return not (actual.double() - reference).abs().max() <= allowed
'''.strip().splitlines()

_NUMBERS = """
    expected, actual, reference = observe(program), observe(compile_program(program)), observe(program, wide)
    for number, (a, b, c) in enumerate(zip(expected, actual, reference)):
        if differs(b, a, c):
            print("number", number, "expected", a, "actual", b)
            print(BUG)
            return 1
""".strip("\n").splitlines()

_EQUAL = """
    expected, actual = observe(program), observe(compile_program(program))
    if expected != actual:
        print("expected", expected)
        print("actual", actual)
        print(BUG)
        return 1
""".strip("\n").splitlines()

_RAISES = """
    observe(program)
    try:
        observe(compile_program(program))
    except Exception as error:
        print(type(error).__name__, error)
        print(BUG)
        return 1
""".strip("\n").splitlines()

_FORMS = {
    Kind.dtype: "[leaf.dtype for leaf in {}]",
    Kind.shape: "[tuple(leaf.shape) for leaf in {}]",
    Kind.stride: "[[s for n, s in zip(leaf.shape, leaf.stride()) if n > 1] for leaf in {}]",
    Kind.type: "[str(tree_map(type, result)), len({})]",
    Kind.alias: "[[a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr() for b in {0}] for a in {0}]",
}


def subject_script(
    subject: Subject, way: Way, case: Case, judgement: Judgement, title: str, extra: Sequence[str] = ()
) -> str:
    """The script of a difference; empty for a subject that is in no file, and for kinds that no script compares.
    ``extra`` defines the program anew, where the subject is called from within rewritten Python."""
    seen = _seen(subject, judgement)
    if not subject.path or seen is None:
        return ""
    source = Path(subject.path).read_text(encoding="utf-8")
    lines = find_backend(case.target).source(case.options).splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from ")) and line != "import torch"]
    compiler = [line for line in lines if not line.startswith(("import ", "from "))]
    bug = f"BUG: {summary(judgement)}"
    comparison = _RAISES if judgement.kind is Kind.exception else _NUMBERS if _is_number(judgement) else _EQUAL
    parts = [
        f'"""{title} on {case.target}: {in_docstring(summary(judgement))}"""',
        "",
        *(f"import {name}" for name in ("importlib", "math", "random", "sys", "types")),
        "",
        "try:",
        *(f"    {line}" for line in ["import torch", *imports]),
        "    from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten",
        "except ImportError as missing:",
        '    print("CANNOT RUN:", missing)',
        "    sys.exit(2)",
        "",
        f"NAME = {subject.name!r}",
        f"BUG = {bug!r}",
        *settings_lines(way),
        *_path_lines(subject, source),
        *_source_lines(source),
        *(
            "",
            "",
            *NAMED,
            "",
            "",
            *_LOAD,
            "",
            "",
            *call_lines(subject, way),
            *extra,
            "",
            "",
            *compiler,
            "",
            "",
            *_TENSORS,
        ),
        *(["", "", *_BACKWARD] if way.training else []),
        *(["", "", *_WIDE, "", "", *_DIFFERS] if comparison is _NUMBERS else []),
        *("", "", *_observe(subject, way, seen, comparison is _NUMBERS), "", "", "def main():"),
        '    print("torch", torch.__version__, "python", sys.version.split()[0])',
        *comparison,
        '    print("OK")',
        "    return 0",
        "",
        "",
        *ENTRY,
    ]
    return "\n".join(parts) + "\n"


def _is_number(judgement: Judgement) -> bool:
    lost = "requires_grad" in judgement.signature or "only " in judgement.detail[:5]
    return judgement.kind in (Kind.value, Kind.gradient, Kind.mutation, Kind.state) and not lost


def _seen(subject: Subject, judgement: Judgement) -> str | None:
    """The expression of what the difference is about."""
    place = judgement.where.partition(", ")[2]
    values = "[*model.parameters(), *model.buffers()]" if subject.module else "[]"
    of = "tensors(result)"
    if place.startswith("argument"):
        of = "tensors(arguments)"
    if place.startswith("state"):
        of = values
    if judgement.kind is Kind.exception:
        return "result"
    if judgement.kind in _FORMS:
        return _FORMS[judgement.kind].format(of if judgement.kind is not Kind.alias else "tensors((arguments, result))")
    if judgement.kind is Kind.gradient and not _is_number(judgement):
        return f"[leaf.requires_grad for leaf in {of}]" if "requires_grad" in judgement.signature else None
    if judgement.kind is Kind.gradient:
        leaves = f"[*tensors(arguments), *{values}]"
        return f"[leaf.grad for leaf in {leaves} if leaf.is_leaf and leaf.grad is not None]"
    return f"[leaf.detach() for leaf in {of}]" if _is_number(judgement) else None


def _observe(subject: Subject, way: Way, seen: str, wide: bool) -> list[str]:
    lines = []
    for line in _OBSERVE:
        if line.strip() == "STATE":
            if subject.module:
                lines.append(
                    "    model = state().double() if convert is wide else state()" if wide else "    model = state()"
                )
        elif line.strip() == "BACKWARD":
            if way.training:
                lines.append("        backward(result)")
        else:
            given = "model, *arguments" if subject.module else "*arguments"
            lines.append(line.replace("GIVEN", given).replace("SEEN", seen))
    return lines


def _path_lines(subject: Subject, source: str) -> list[str]:
    """Where the file imports what lies beside it, the folder that it lies in."""
    folder = Path(subject.path).parent
    tree = ast.parse(source)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    tops = {name.partition(".")[0] for name in names}
    beside = [name for name in tops if (folder / f"{name}.py").exists() or (folder / name).is_dir()]
    return ["# The file imports what lies beside it.", f"sys.path.insert(0, {str(folder)!r})"] if beside else []


def _source_lines(source: str) -> list[str]:
    if "'''" not in source and "\\" not in source and not source.endswith("'"):
        return ["SOURCE = '''", *source.rstrip("\n").splitlines(), "'''"]
    return ['SOURCE = "\\n".join([', *(f"    {line!r}," for line in source.splitlines()), "])"]
