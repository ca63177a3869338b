"""The script of a finding about an ONNX model: the Python that builds the model, its inputs, and a comparison of what
the system makes of it with what it makes of it without optimisations.

It needs onnx, numpy and the system under test, and ends in BUG, OK or CANNOT RUN as every script does. Where what the
system is held against is another system, its values and how far a correct one may be from them stand in the script.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from assay.backends import find_backend
from assay.emit.onnx import INLINE, render
from assay.emit.torch_inputs import concrete
from assay.ir.case import Case
from assay.ir.program import Program, output_names
from assay.ir.types import TensorType
from assay.oracles.numerics.closeness import tolerance
from assay.oracles.verdict import Judgement, Kind
from assay.triage.observing import HANG_SECONDS, Unscriptable
from assay.triage.places import accused
from assay.triage.predicate import judged_exactly
from assay.triage.rewriting import types_of
from assay.triage.script_text import ENTRY

INDENT = "    "
WIDTH = 116
MEMORY = "8 << 30"
_IN_CHILD = frozenset({Kind.crash, Kind.hang, Kind.memory})


def render_onnx_script(
    case: Case,
    program: Program,
    judgement: Judgement,
    title: str,
    needle: str,
    header: Sequence[str],
    *,
    literals: bool,
) -> str:
    """The script. ``title`` says what is wrong in one line, ``needle`` is a part of the message of an exception."""
    # Of a message in layers the signature has who said it, which the message itself has elsewhere.
    needle = re.sub(r"^\w+: ", "", needle)
    lines = render(program, int(case.recipe["opset"]), literals=literals).splitlines()
    model = [line for line in lines if not line.startswith(("import ", "from ", "CALLS = "))]
    while model and not model[0]:
        model.pop(0)
    raw = any("TensorProto.BFLOAT16" in line for line in model if "make_tensor_value_info" in line)
    backend = find_backend(case.target).source({**case.options, "raw": raw}).splitlines()
    imports = [line for line in backend if line.startswith(("import ", "from "))]
    functions = [line for line in backend if line not in imports]
    while functions and not functions[0]:
        functions.pop(0)
    call = min(accused(program, judgement.where).call, case.calls - 1)
    frozen = not any(line.startswith("def reference(") for line in functions)
    main = _main(program, judgement, title, needle, call, frozen)
    text = "\n".join([*model, "", "", *functions, "", "", *main, ""])
    plain = ["import sys", *(f"import {name}" for name in ("base64", "ctypes", "io", "math") if f"{name}." in text)]
    if judgement.kind in _IN_CHILD:
        plain.append("import subprocess")
    if judgement.kind is Kind.memory:
        plain.append("import resource")
    needed = ["import numpy as np", *imports, "from onnx import TensorProto, helper, numpy_helper"]
    if "bfloat16" in text:
        needed.insert(0, "import ml_dtypes  # noqa: F401 -- makes bfloat16 a dtype of numpy's")
    head = [
        *header,
        "",
        *sorted(plain),
        "",
        "try:",
        *(INDENT + line for line in needed),
        "except ImportError as missing:",
        f'{INDENT}print("CANNOT RUN:", missing)',
        f"{INDENT}sys.exit(2)",
    ]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join([*head, "", "", text]))


def _main(program: Program, judgement: Judgement, title: str, needle: str, call: int, frozen: bool) -> list[str]:
    bug = [
        f"{INDENT * 2}print({f'BUG: {title}'!r})",
        f"{INDENT * 2}return 1",
        f'{INDENT}print("OK")',
        f"{INDENT}return 0",
    ]
    feeds = f"inputs({call})" if call else "inputs()"
    lines = ["def main():", f"{INDENT}print(*versions())", f"{INDENT}serialised = model().SerializeToString()"]
    run = [f"{INDENT}compiled = compile_model(serialised)"]
    if call:
        # What the calls before it left behind may be the cause.
        run += [f"{INDENT}for call in range({call}):", f"{INDENT * 2}compiled(inputs(call))"]
    if judgement.kind in _IN_CHILD:
        eager = "|eager" in judgement.signature and not frozen
        inner = [f"{INDENT}reference(serialised)({feeds})"] if eager else [*run, f"{INDENT}compiled({feeds})"]
        limit = [f"{INDENT * 2}resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))"]
        lines += [
            f'{INDENT}if "child" in sys.argv:',
            *(limit if judgement.kind is Kind.memory else []),
            *(INDENT + line for line in inner),
            f"{INDENT * 2}return 0",
        ]
        child = '[sys.executable, __file__, "child"]'
        if judgement.kind is Kind.hang:
            lines += [f"{INDENT}try:", f"{INDENT * 2}subprocess.run({child}, timeout={HANG_SECONDS})"]
            lines.append(f"{INDENT}except subprocess.TimeoutExpired:")
        else:
            # What only raises did not crash; but it may be how a system says that there is no memory.
            died = "<" if judgement.kind is Kind.crash and "|exit" not in judgement.signature else "!="
            lines.append(f"{INDENT}status = subprocess.run({child}).returncode")
            if died == "<":
                lines += [f"{INDENT}if status > 0:", f'{INDENT * 2}raise RuntimeError("the child only failed")']
            lines.append(f"{INDENT}if status {died} 0:")
    elif judgement.kind is Kind.exception:
        lines += [
            *([] if frozen else [f"{INDENT}reference(serialised)({feeds})"]),
            f"{INDENT}try:",
            *(INDENT + line for line in run),
            f"{INDENT * 2}compiled({feeds})",
            f"{INDENT}except Exception as error:",
            f'{INDENT * 2}if {needle!r} not in " ".join(str(error).split()):',
            f"{INDENT * 3}raise",
            f"{INDENT * 2}print(type(error).__name__, str(error)[:1000])",
        ]
    else:
        number = accused(program, judgement.where).leaf or 0
        lines += [*run, f"{INDENT}actual = compiled({feeds})[{number}]"]
        if frozen:
            lines += _compared_with_frozen(program, judgement)
        else:
            lines += [f"{INDENT}expected = reference(serialised)({feeds})[{number}]", *_compared(program, judgement)]
    return [
        *lines,
        *bug,
        "",
        "",
        *ENTRY,
    ]


def _compared(program: Program, judgement: Judgement) -> list[str]:
    place = accused(program, judgement.where)
    if judgement.kind is Kind.dtype:
        condition = "actual.dtype != expected.dtype"
    elif judgement.kind is Kind.shape:
        condition = "actual.shape != expected.shape"
    elif judged_exactly(judgement) or tolerance(place.dtype) == (0.0, 0.0):
        equal_nan = ", equal_nan=True" if "float" in place.dtype else ""
        condition = f"not np.array_equal(actual, expected{equal_nan})"
    else:
        relative, absolute = tolerance(place.dtype)
        condition = f"not np.allclose(actual, expected, {relative}, {absolute}, equal_nan=True)"
    return _shown(condition)


def _compared_with_frozen(program: Program, judgement: Judgement) -> list[str]:
    """Against what the program says of an output's type, or against the values that the reference gave."""
    place = accused(program, judgement.where)
    if judgement.kind is Kind.dtype:
        return [f'{INDENT}expected = "{place.dtype}"', *_shown("actual.dtype != expected", "actual.dtype")]
    if judgement.kind is Kind.shape:
        name = output_names(program.outputs)[place.leaf or 0]
        type_ = types_of(program)[name]
        assert isinstance(type_, TensorType)
        shape = concrete(type_, program.calls[place.call].instantiation)
        return [f"{INDENT}expected = {shape!r}", *_shown("actual.shape != expected", "actual.shape")]
    found = judgement.expected
    if found is None:
        raise Unscriptable("what the reference gave is not known")
    values = np.frombuffer(found.data, found.dtype).reshape(found.shape)
    lines = _array("expected", values)
    floating = values.dtype.kind in "fc"
    if found.allowed is None:
        equal_nan = ", equal_nan=True" if floating else ""
        return [*lines, *_shown(f"not np.array_equal(actual, expected{equal_nan})")]
    allowed = np.frombuffer(found.allowed, "<f8").reshape(found.shape)
    wide = "complex128" if values.dtype.kind == "c" else "float64"
    return [
        *lines,
        f"{INDENT}# How far a correct evaluation may be from it: the error bound of the arithmetic.",
        *_array("allowed", allowed),
        f'{INDENT}apart = np.abs(actual.astype("{wide}") - expected)',
        *_shown("not ((apart <= allowed) | (actual == expected) | (np.isnan(actual) & np.isnan(expected))).all()"),
    ]


def _shown(condition: str, actual: str = "actual") -> list[str]:
    return [
        f"{INDENT}if {condition}:",
        f'{INDENT * 2}print("expected", expected)',
        f'{INDENT * 2}print("actual", {actual})',
    ]


def _array(name: str, values: Any) -> list[str]:
    """Lines that define an array: written out where it is small, else in base64."""
    shape, flat = tuple(values.shape), values.reshape(-1)
    reshape = "" if len(shape) == 1 else f".reshape({shape!r})"
    if values.size <= INLINE:
        numbers = ", ".join(re.sub("inf|nan", r"np.\g<0>", repr(value)) for value in flat.tolist())
        lines = wrap(numbers, WIDTH - 8)
        if len(lines) <= 1:
            return [f'{INDENT}{name} = np.array([{numbers}], "{values.dtype}"){reshape}']
        inner = [f"{INDENT * 2}{line}" for line in lines]
        return [f"{INDENT}{name} = np.array([", *inner, f'{INDENT}], "{values.dtype}"){reshape}']
    text = base64.b64encode(flat.tobytes()).decode()
    inner = [f'{INDENT * 2}"{text[at : at + WIDTH - 10]}"' for at in range(0, len(text), WIDTH - 10)]
    data = f'np.frombuffer(base64.b64decode({name}), "{values.dtype}"){reshape}'
    return [f"{INDENT}{name} = (", *inner, f"{INDENT})", f"{INDENT}{name} = {data}"]
