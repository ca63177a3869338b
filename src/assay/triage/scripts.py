"""The script of a finding: one readable file that needs only the framework, and ends in BUG, OK or CANNOT RUN.

    header, program and inputs (assay.emit.torch), compile_program (the backend's), observe, main

`observe` runs the program and returns what the finding is about (`assay.triage.observing`); `main` compares eager with
the target. A crash or a hang happens in a child process of the script, so that the script itself comes to its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.backends import find_backend
from assay.emit.torch import between_lines, body_lines, render
from assay.emit.triton import render as render_kernels
from assay.ir.case import Case
from assay.ir.program import Program, opaques, output_names
from assay.ir.types import SIGNIFICAND, TensorType
from assay.ops.facts import Unsatisfied
from assay.ops.python_forms import modules_in
from assay.ops.twin import in_float64
from assay.oracles.numerics.closeness import tolerance
from assay.oracles.signature import MISCALLED, NONE_IN_PLACE
from assay.oracles.verdict import Judgement, Kind
from assay.triage.describing import DESCRIBED
from assay.triage.observing import HANG_SECONDS, Observation, Unscriptable, observation
from assay.triage.places import accused
from assay.triage.rewriting import types_of
from assay.triage.script_text import ENTRY, in_docstring
from assay.triage.scripts_onnx import render_onnx_script

INDENT = "    "
IN_FLOAT64 = "program_in_float64"
# What a normalised message does not share with the message itself; a quoted cause is written otherwise there.
_PLACEHOLDER = re.compile(
    rf"\b\w+(?:Error|Exception): |{MISCALLED}|ADDRESS|PATH|DTYPE|SHAPE|NAME|(?:\b|(?<=[a-z]))N\b|[^\x20-\x7e]"
)
_IN_CHILD = frozenset({Kind.crash, Kind.hang, Kind.memory})


def render_script(
    case: Case,
    program: Program,
    judgement: Judgement,
    versions: str = "",
    *,
    literals: bool = True,
    backward: bool = False,
) -> str:
    """The script, its small inputs written out with ``literals``, else by the case's formula. Raises Unscriptable.

    With ``backward``, a training case runs backward before anything is compared, though it is not about gradients: a
    compiled backward may write to memory that the outputs live in.
    """
    seen = observation(program, judgement)
    if seen is None:
        raise Unscriptable(f"no comparison is known for a finding of kind {judgement.kind}")
    if case.recipe.get("program") is None:
        raise Unscriptable("the case has no program that could be rendered")
    if find_backend(case.target).framework == "onnx":
        return render_onnx_script(
            case,
            program,
            judgement,
            summary(judgement),
            _needle(judgement.signature.rpartition("|")[2]),
            _header(case, summary(judgement), versions),
            literals=literals,
        )
    imports, compiler = _compiler(case)
    place = accused(program, judgement.where)
    last = case.calls - 1 if seen.compare == "none" else min(place.call, case.calls - 1)
    reference = _reference(program, seen, place.dtype)
    backward = case.training and (backward or seen.gradients or seen.compare == "none")
    observe = _observe(case, program, seen, last, bool(reference), backward)
    twin = f"def {IN_FLOAT64}(" in "\n".join(reference)
    main = _main(judgement, seen, IN_FLOAT64 if twin else "program" if reference else "")
    parts = [*_definitions(case, program, literals), *compiler, *_helper(seen), *reference, *observe, "", "", *main, ""]
    text = "\n".join(parts)
    head = _header(case, summary(judgement), versions) + _imports(imports, text, judgement)
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join([*head, "", "", text]))


def summary(judgement: Judgement) -> str:
    """What is wrong, in one line."""
    detail = " ".join(judgement.detail.splitlines()[0].split()) if judgement.detail else str(judgement.kind)
    if not _is_comparison(judgement):
        return detail
    where = judgement.where.removeprefix("call 0, ")
    named = where if where.startswith(str(judgement.kind)) else f"{judgement.kind} of {where}"
    return f"wrong {named}: {detail}"


def _is_comparison(judgement: Judgement) -> bool:
    return judgement.kind not in (Kind.exception, Kind.crash, Kind.hang, Kind.memory)


def _header(case: Case, title: str, versions: str) -> list[str]:
    settings = ", ".join(f"{key}={value!r}" for key, value in case.options.items()) or "defaults"
    found = f"Found with {versions}. " if versions else ""
    operators = ", ".join(case.operators) or "no operator"
    return [f'"""{operators} on {case.target}: {in_docstring(title)}', "", f"{found}Options: {settings}.", '"""']


def _imports(extra: Sequence[str], text: str, judgement: Judgement) -> list[str]:
    plain = ["import sys", *(f"import {name}" for name in modules_in(text))]
    if judgement.kind in _IN_CHILD:
        plain.append("import subprocess")
    if judgement.kind is Kind.memory:
        plain.append("import resource")
    if "logging." in text:
        plain.append("import logging")
    plain = list(dict.fromkeys(plain))
    trees = [name for name in ("tree_leaves", "tree_map") if f"{name}(" in text]
    framework = ["import torch", *extra]
    if trees:
        framework.append(f"from torch.utils._pytree import {', '.join(trees)}")
    guarded = [INDENT + line for line in framework]
    handler = ["except ImportError as missing:", f'{INDENT}print("CANNOT RUN:", missing)', f"{INDENT}sys.exit(2)"]
    return ["", *sorted(plain), "", "try:", *guarded, *handler]


def _definitions(case: Case, program: Program, literals: bool) -> list[str]:
    """Program, inputs and state as they are emitted, without imports and what `observe` does not read."""
    plan = case.recipe.get("triton")
    if plan is None:
        lines = render(program, literals=literals, fresh=True).splitlines()
    else:
        lines = render_kernels(program, plan, literals=literals, fresh=True).splitlines()
    settings = ("TRAINING", "CALLS")
    used = {name for name in settings if any(name in line and not line.startswith(f"{name} = ") for line in lines)}
    dropped = ("import ", *(f"{name} = " for name in settings if name not in used))
    kept = [line for line in lines if not line.startswith(dropped)]
    while kept and not kept[0]:
        kept.pop(0)
    return [*kept, "", ""]


def _compiler(case: Case) -> tuple[list[str], list[str]]:
    lines = find_backend(case.target).source(case.options).splitlines()
    # What is set in the environment is set before what reads it is imported.
    first = ("import ", "from ", "os.environ[")
    imports = [line for line in lines if line.startswith(first) and line != "import torch"]
    rest = [line for line in lines if not line.startswith(first)]
    while rest and not rest[0]:
        rest.pop(0)
    return imports, [*rest, "", ""]


_HELPERS = {
    "storages": [
        "def storages(tensors):",
        f"{INDENT}def apart(a, b):",
        f"{INDENT * 2}if a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr():",
        f"{INDENT * 3}return b.storage_offset() - a.storage_offset()",
        "",
        f"{INDENT}return [[apart(a, b) for b in tensors] for a in tensors]",
    ],
    "repr": DESCRIBED,
    "identities": ["def identities(tensors):", f"{INDENT}return [[a is b for b in tensors] for a in tensors]"],
}


def _helper(seen: Observation) -> list[str]:
    lines = _HELPERS.get(seen.expression.partition("(")[0], [])
    return [*lines, "", ""] if lines else []


def _reference(program: Program, seen: Observation, dtype: str) -> list[str]:
    """The float64 run that tells an error from rounding; nothing where the comparison is exact or of no numbers."""
    if seen.compare != "close" or seen.exact or dtype not in ("float16", "bfloat16", "float32"):
        return []
    relative, absolute = tolerance(dtype)
    dtypes = {type_.dtype for type_ in types_of(program).values() if isinstance(type_, TensorType)}
    roundoff = max(2.0 ** -SIGNIFICAND[each] for each in dtypes if each in SIGNIFICAND)
    lines = [
        *_wide(any(entry.base for entry in program.inputs)),
        "def differs(actual, expected, reference):",
        f'{INDENT}"""Beyond the tolerances, and farther from the float64 result than rounding explains."""',
        f"{INDENT}if torch.allclose(actual, expected, rtol={relative}, atol={absolute}, equal_nan=True):",
        f"{INDENT * 2}return False",
        f"{INDENT}rounding = {64 * roundoff:.3g} * reference.abs().max()",
        f"{INDENT}allowed = 4 * (expected.double() - reference).abs().max() + rounding",
        f"{INDENT}return not (actual.double() - reference).abs().max() <= allowed",
        "",
        "",
    ]
    try:
        twin = in_float64(program)
    except Unsatisfied as reason:
        raise Unscriptable(f"the program has no float64 twin to tell an error from rounding: {reason}") from None
    if body_lines(twin) == body_lines(program):
        return lines
    state = [] if not _has_state(program) else ["self" if program.style == "forward" else "model"]
    names = [*state, *(entry.name for entry in program.inputs if entry.role == "argument")]
    inner = [INDENT + line for line in body_lines(twin)]
    return [*lines, f"def {IN_FLOAT64}({', '.join(names)}):", *inner, "", ""]


def _wide(shared: bool) -> list[str]:
    """The function that makes arguments float64; where some share memory, they share it afterwards too."""
    made = [f"{INDENT * 2}return leaf.detach().double().requires_grad_(leaf.requires_grad)"]
    if shared:
        made = [
            f"{INDENT * 2}storage = leaf.untyped_storage()",
            f"{INDENT * 2}whole = torch.empty(0, dtype=leaf.dtype).set_(storage)",
            f"{INDENT * 2}base = bases.setdefault(storage.data_ptr(), whole.double())",
            f"{INDENT * 2}view = base.as_strided(leaf.shape, leaf.stride(), leaf.storage_offset())",
            f"{INDENT * 2}return view.requires_grad_(leaf.requires_grad)",
        ]
    return [
        "def wide(arguments):",
        *([f"{INDENT}bases = {{}}", ""] if shared else []),
        f"{INDENT}def widened(leaf):",
        f"{INDENT * 2}if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():",
        f"{INDENT * 3}return leaf",
        *made,
        "",
        f"{INDENT}return tree_map(widened, arguments)",
        "",
        "",
    ]


def _has_state(program: Program) -> bool:
    return any(entry.role != "argument" for entry in program.inputs)


def _observe(case: Case, program: Program, seen: Observation, last: int, wide: bool, backward: bool) -> list[str]:
    """The function that runs the calls up to the accused one and returns what the finding is about."""
    convert = "convert=lambda arguments: arguments"
    body: list[str] = ["fresh()"] if program.definitions else []
    if _has_state(program):
        body.append("model = state().double() if convert is wide else state()" if wide else "model = state()")
    given = "inputs(call)" if last else "inputs()"
    per_call = [f"arguments = convert({given})" if wide else f"arguments = {given}", "torch.manual_seed(0)"]
    setting = between_lines(program)
    if any("random." in each.text for each in opaques(program)):
        per_call.append("random.seed(0)")
    if any(line.startswith("def between(") for line in setting):
        number = "call" if last else "0"
        per_call.insert(0, f"between({number}{', model' if _has_state(program) else ''})")
    call = f"result = function({'model, ' if _has_state(program) else ''}*arguments)"
    around = ["around(call)" if last else "around(0)"] if "def around(call):" in setting else []
    contexts = around if case.training else ["torch.no_grad()", *around]
    if contexts:
        per_call += [f"with {', '.join(contexts)}:", f"{INDENT}{call}"]
    else:
        per_call.append(call)
    if case.training and backward:
        per_call += _backward(program)
    if last:
        body += [f"for call in range({last + 1}):", *(INDENT + line for line in per_call)]
    else:
        body += per_call
    body.append(f"return {seen.expression}")
    return [f"def observe({f'function, {convert}' if wide else 'function'}):", *(INDENT + line for line in body)]


def _backward(program: Program) -> list[str]:
    """The fixed cotangents of `assay.execution`, small integers."""
    lines: list[str] = []
    inner = [entry for entry in program.inputs if entry.base is not None or entry.role != "argument"]
    if any(entry.base is not None for entry in inner):
        lines += [
            "for tensor in arguments:",
            f"{INDENT}if isinstance(tensor, torch.Tensor) and tensor.requires_grad:",
            f"{INDENT * 2}tensor.retain_grad()",
        ]
    if isinstance(program.outputs, str) and len(output_names(program.outputs)) == 1:
        return [
            *lines,
            # There are findings about an output that requires a gradient on one side only.
            "if result.requires_grad:",
            f"{INDENT}cotangent = torch.arange(result.numel()) * 7 % 5 - 2",
            f"{INDENT}result.backward(cotangent.to(result.dtype).reshape(result.shape))",
        ]
    return [
        *lines,
        # In one backward, as a training step does it: what it may free or overwrite, it must not keep for another.
        "roots, cotangents = [], []",
        "leaves = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]",
        "for k, leaf in enumerate(leaves):",
        f"{INDENT}if leaf.requires_grad:",
        f"{INDENT * 2}cotangent = (torch.arange(leaf.numel()) * 7 + 3 * k) % 5 - 2",
        f"{INDENT * 2}roots.append(leaf)",
        f"{INDENT * 2}cotangents.append(cotangent.to(leaf.dtype).reshape(leaf.shape))",
        "torch.autograd.backward(roots, cotangents)",
    ]


def _main(judgement: Judgement, seen: Observation, reference: str) -> list[str]:
    title = summary(judgement)
    bug = f"{INDENT * 2}print({f'BUG: {title}'!r})"
    lines = ["def main():"]
    if judgement.kind in _IN_CHILD:
        lines += _child_lines(judgement)
    else:
        lines.append(f'{INDENT}print("torch", torch.__version__, "python", sys.version.split()[0])')
    if judgement.kind is Kind.exception:
        lines += _exception_lines(judgement, title)
    elif judgement.kind in _IN_CHILD:
        lines += [bug, f"{INDENT * 2}return 1", f'{INDENT}print("OK")', f"{INDENT}return 0"]
    else:
        lines += _comparison_lines(seen, reference)
        lines += [bug, f"{INDENT * 2}return 1", f'{INDENT}print("OK")', f"{INDENT}return 0"]
    return [
        *lines,
        "",
        "",
        *ENTRY,
    ]


def _comparison_lines(seen: Observation, reference: str) -> list[str]:
    lines = [f"{INDENT}expected, actual = observe(program), observe(compile_program(program))"]
    shown = [f'{INDENT * 2}print("expected", expected)', f'{INDENT * 2}print("actual", actual)']
    if seen.compare == "equal":
        return [*lines, f"{INDENT}if actual != expected:", *shown]
    if reference:
        return [*lines, f"{INDENT}if differs(actual, expected, observe({reference}, wide)):", *shown]
    tolerance = ", rtol=0, atol=0" if seen.exact else ""
    return [
        *lines,
        f"{INDENT}try:",
        f"{INDENT * 2}torch.testing.assert_close(actual, expected{tolerance}, equal_nan=True)",
        f"{INDENT}except AssertionError as difference:",
        f"{INDENT * 2}print(difference)",
        *shown,
    ]


def _exception_lines(judgement: Judgement, title: str) -> list[str]:
    kind, _, rest = judgement.signature.removeprefix("exception|").partition("|")
    bug = [f"{INDENT * 2}print({f'BUG: {title}'!r})", f"{INDENT * 2}return 1"]
    ok = [f'{INDENT}print("OK")', f"{INDENT}return 0"]
    # What torch logs of an error on its way would bury the last line.
    quiet = f"{INDENT}logging.disable(logging.CRITICAL)"
    if kind == "text":
        raise Unscriptable("the case's own text raised, which is no fault of the target")
    if kind == "not raised":
        return [
            quiet,
            f"{INDENT}try:",
            f"{INDENT * 2}observe(program)",
            f"{INDENT}except Exception as error:",
            f'{INDENT * 2}print("eager raised", type(error).__name__, error)',
            f"{INDENT * 2}observe(compile_program(program))",
            *bug,
            *ok,
        ]
    if "->" in kind:
        raised = [name.rpartition(".")[2] for name in kind.split("->")]
        return [
            quiet,
            f"{INDENT}raised = []",
            f"{INDENT}for function in program, compile_program(program):",
            f"{INDENT * 2}try:",
            f"{INDENT * 3}observe(function)",
            f"{INDENT * 2}except Exception as error:",
            f"{INDENT * 3}raised.append(type(error).__name__)",
            f'{INDENT}print("raised", raised)',
            f"{INDENT}if raised == {raised!r}:",
            *bug,
            *ok,
        ]
    if kind == "eager":
        kind, _, rest = rest.partition("|")
        runs = [f"{INDENT * 2}observe(program)"]
        before = []
    else:
        runs = [f"{INDENT * 2}observe(compile_program(program))"]
        before = [f"{INDENT}observe(program)"]
    if judgement.detail.startswith("eager raised"):
        # An exception of the program's own, which the target is to raise too.
        before = [
            f"{INDENT}own = ()",
            f"{INDENT}try:",
            f"{INDENT * 2}observe(program)",
            f"{INDENT}except Exception as error:",
            f"{INDENT * 2}own = type(error)",
            f'{INDENT * 2}print("eager raised", type(error).__name__, error)',
        ]
        runs += [f"{INDENT}except own:", f"{INDENT * 2}pass"]
    message = rest.partition("|")[2]
    needle = _needle(message)
    name: str | tuple[str, ...] = kind.rpartition(".")[2]
    if message == NONE_IN_PLACE:
        needle, name = "NoneType", ("AttributeError", "TypeError")
    return [
        quiet,
        *before,
        f"{INDENT}try:",
        *runs,
        f"{INDENT}except Exception as error:",
        INDENT * 2 + 'text = f"{type(error).__name__}: {error}"',
        f'{INDENT * 2}if not text.startswith({name!r}) or {needle!r} not in " ".join(text.split()):',
        f"{INDENT * 3}raise",
        f"{INDENT * 2}print(text[:1000])",
        *bug,
        *ok,
    ]


def _needle(message: str) -> str:
    """The longest part of a normalised message that the message itself has too."""
    return max((part.strip() for part in _PLACEHOLDER.split(message)), key=len, default="")


def _child_lines(judgement: Judgement) -> list[str]:
    side = "program" if judgement.signature.startswith(f"{judgement.kind}|eager") else "compile_program(program)"
    limit = [f"{INDENT * 2}resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))"]
    lines = [
        f'{INDENT}if "child" in sys.argv:',
        *(limit if judgement.kind is Kind.memory else []),
        f"{INDENT * 2}print(observe({side}))",
        f"{INDENT * 2}return 0",
        f'{INDENT}print("torch", torch.__version__, "python", sys.version.split()[0], flush=True)',
    ]
    if side != "program":
        lines.append(f"{INDENT}observe(program)")
    run = f'subprocess.run([sys.executable, __file__, "child"], timeout={HANG_SECONDS})'
    if judgement.kind is Kind.hang:
        return [
            *lines,
            f"{INDENT}try:",
            f"{INDENT * 2}{run}",
            f"{INDENT}except subprocess.TimeoutExpired:",
        ]
    run = run.replace(f", timeout={HANG_SECONDS}", "")
    lines.append(f"{INDENT}status = {run}.returncode")
    if judgement.kind is Kind.crash and "|exit" not in judgement.signature:
        lines += [f"{INDENT}if status > 0:", f'{INDENT * 2}raise RuntimeError("the child did not crash, but failed")']
    return [*lines, f"{INDENT}if status != 0:"]
