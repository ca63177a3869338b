"""The script of a finding about an ONNX model: the Python that builds the model, its inputs, and a comparison of what
the system makes of it with what it makes of it without optimisations.

It needs onnx, numpy and the system under test, and ends in BUG, OK or CANNOT RUN as every script does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.backends import find_backend
from assay.emit.onnx import render
from assay.ir.case import Case
from assay.ir.program import Program
from assay.oracles.numerics.closeness import tolerance
from assay.oracles.verdict import Judgement, Kind
from assay.triage.places import accused
from assay.triage.predicate import judged_exactly

INDENT = "    "
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
    main = _main(program, judgement, title, needle, call)
    text = "\n".join([*model, "", "", *functions, "", "", *main, ""])
    plain = ["import sys", *(f"import {name}" for name in ("ctypes", "math") if f"{name}." in text)]
    if judgement.kind in _IN_CHILD:
        plain.append("import subprocess")
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


def _main(program: Program, judgement: Judgement, title: str, needle: str, call: int) -> list[str]:
    bug = [
        f"{INDENT * 2}print({f'BUG: {title}'!r})",
        f"{INDENT * 2}return 1",
        f'{INDENT}print("OK")',
        f"{INDENT}return 0",
    ]
    feeds = f"inputs({call})" if call else "inputs()"
    lines = ["def main():", f"{INDENT}print(*versions())", f"{INDENT}serialised = model().SerializeToString()"]
    run = f"compile_model(serialised)({feeds})"
    if judgement.kind in _IN_CHILD:
        side = run if "|eager" not in judgement.signature else f"reference(serialised)({feeds})"
        lines += [
            f'{INDENT}if "child" in sys.argv:',
            f"{INDENT * 2}{side}",
            f"{INDENT * 2}return 0",
            f'{INDENT}status = subprocess.run([sys.executable, __file__, "child"], timeout=60).returncode',
            f"{INDENT}if status < 0:",
        ]
    elif judgement.kind is Kind.exception:
        lines += [
            f"{INDENT}reference(serialised)({feeds})",
            f"{INDENT}try:",
            f"{INDENT * 2}{run}",
            f"{INDENT}except Exception as error:",
            f'{INDENT * 2}if {needle!r} not in " ".join(str(error).split()):',
            f"{INDENT * 3}raise",
            f"{INDENT * 2}print(type(error).__name__, str(error)[:1000])",
        ]
    else:
        lines += [f"{INDENT}expected, actual = reference(serialised)({feeds}), {run}", *_compared(program, judgement)]
    return [
        *lines,
        *bug,
        "",
        "",
        'if __name__ == "__main__":',
        f"{INDENT}try:",
        f"{INDENT * 2}status = main()",
        f"{INDENT}except Exception as error:",
        f'{INDENT * 2}print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])',
        f"{INDENT * 2}status = 2",
        f"{INDENT}sys.exit(status)",
    ]


def _compared(program: Program, judgement: Judgement) -> list[str]:
    place = accused(program, judgement.where)
    number = place.leaf or 0
    lines = [f"{INDENT}expected, actual = expected[{number}], actual[{number}]"]
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
    return [
        *lines,
        f"{INDENT}if {condition}:",
        f'{INDENT * 2}print("expected", expected)',
        f'{INDENT * 2}print("actual", actual)',
    ]
