"""Findings about derivatives: reduced as calls, and shown by a script that stands by itself."""

import ast
import subprocess
import sys

import pytest

from assay.apis.seeds import from_json
from assay.apis.source import case_of
from assay.campaign.assemble import WARM, judge, witnesses
from assay.campaign.examine import case_runner, examine
from assay.campaign.findings import Finding
from assay.execution import Worker
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import FINDINGS, Judgement, Kind, Verdict
from assay.triage import triage_finding
from assay.triage.derivatives import is_same, render_derivative_script, simpler
from assay.triage.replay import replay

# What torch 2.13 gets wrong in all its releases so far is not to be relied on: a function of our own stands for it.
RULE = """type("Rule", (torch.autograd.Function,), {
    "generate_vmap_rule": True,
    "forward": staticmethod(lambda x, power: x ** power),
    "setup_context": staticmethod(
        lambda ctx, inputs, output: (ctx.save_for_backward(inputs[0]), setattr(ctx, "power", inputs[1]))[0]
    ),
    "backward": staticmethod(lambda ctx, g: (FORMULA, None)),
}).apply"""


def call(formula, shape=(2, 3), layout=None):
    count = 1
    for size in shape:
        count *= size
    tensor = {"dtype": "float64", "shape": list(shape), "values": [0.3 + 0.7 * k for k in range(count)]}
    if layout:
        tensor["layout"] = layout
    callee = " ".join(RULE.replace("FORMULA", formula).split())
    data = {
        "library": "torch",
        "version": "0",
        "unreached": [],
        "apis": [
            {
                "name": "custom.power",
                "callee": f"({callee})",
                "kind": "function",
                "origin": "opinfo",
                "seeds": [{"args": [{"tensor": 0}, 3], "kwargs": {}, "tensors": [tensor]}],
            }
        ],
    }
    return from_json(data).apis[0].seeds[0]


WRONG = "g * 2 * ctx.saved_tensors[0] ** 2"
SECOND = "g * 3 * ctx.saved_tensors[0].detach() ** 2"


def judgement(where, kind=Kind.gradient, signature="gradient|first|value|reverse|X"):
    return Judgement(Verdict.Mismatch, kind, where, "", signature)


@pytest.fixture(scope="module")
def worker():
    with Worker(targets=["eager"], environment=WARM) as started:
        yield started


@pytest.mark.torch
@pytest.mark.parametrize(("formula", "quantity"), [(WRONG, "first"), (SECOND, "second")])
def test_a_wrong_rule_is_reduced_to_one_number_and_its_script_shows_it(worker, formula, quantity):
    def run(case, evidence=(), *, alone=False, code="merged", patience=1.0):
        return worker.run(case, evidence, alone=alone, code=code)

    case = case_of(call(formula, layout={"transposed": True}), {"order": 3, "traced": ["func_linearize"]}, {}, "eager")
    found = examine(case, run, judge, witnesses).judgement
    assert found.verdict in FINDINGS
    assert found.where.startswith(quantity)
    made = triage_finding(case, found, case_runner(run, judge, witnesses))
    assert made.notes == ""
    (tensor,) = made.case.recipe["call"]["tensors"]
    assert "layout" not in tensor
    assert max(tensor["shape"], default=1) <= 2
    assert made.case.options["derivatives"]["order"] <= 2
    assert made.script.index("def program") < made.script.index("def main") < made.script.index("def inner")
    seen = replay(made.script)
    assert seen.shows_bug
    assert quantity in seen.last_line
    right = made.script.replace(" * 2 * ", " * 3 * ").replace(".detach() ** 2", " ** 2")
    fixed = replay(right)
    assert (fixed.status, fixed.last_line) == (0, "OK")


def test_a_script_holds_what_it_needs_and_nothing_of_assay():
    text = render_derivative_script(
        case_of(call(WRONG), {"order": 1}, {}, "eager"), judgement("first reverse against forward, direction 2")
    )
    tree = ast.parse(text)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"math", "random", "sys", "torch"}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert {"program", "inputs", "reverse", "forward", "main"} <= defined
    assert "forward_reverse" not in defined
    assert not {name for name in called if name in ("gradient", "leaves", "random_like")} - defined
    assert "DIRECTIONS_SEED + 20" in text


CUBE = """import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2 * torch.arange(6).reshape(2, 3).ne(4)

    @staticmethod
    def jvp(ctx, t):
        return t * 3 * ctx.saved_tensors[0] ** 2


def program(x0):
    return Cube.apply(x0)


def inputs(call=0):
    return torch.arange(1.0, 7.0, dtype=torch.float64).reshape(2, 3),
"""


@pytest.mark.torch
def test_a_script_names_the_entry_of_the_jacobian(tmp_path):
    case = Case("api", "eager", {DERIVATIVES: {"order": 1}}, CUBE, False, 1, {}, {}, ("custom.cube",), 1)
    script = tmp_path / "script.py"
    script.write_text(render_derivative_script(case, judgement("first reverse against forward, direction 0")))
    shown = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert shown.returncode == 1, shown.stderr
    assert "element 4 of the outputs by element 4 of input 0: reverse 0, forward 75" in shown.stdout


ALONE = """import torch


class Both(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return 2 * x, 3 * x

    @staticmethod
    def backward(ctx, g, h):
        return None if g is None or h is None else 2 * g + 3 * h


def program(x0):
    return Both.apply(x0)


def inputs(call=0):
    return torch.arange(1.0, 7.0, dtype=torch.float64),
"""


@pytest.mark.torch
def test_a_script_asks_for_each_output_alone():
    case = Case("api", "eager", {DERIVATIVES: {"order": 1}}, ALONE, False, 1, {}, {}, ("custom.both",), 1)
    text = render_derivative_script(case, judgement("first reverse_by_output against reverse, direction 0"))
    seen = replay(text)
    assert seen.shows_bug
    assert seen.last_line.startswith("BUG: wrong first derivative: reverse_by_output gives 0, reverse ")
    assert "output_entries" not in text


@pytest.mark.torch
def test_what_raises_is_caught_and_told():
    case = case_of(call("g.no_such_thing"), {"order": 1}, {}, "eager")
    raised = judgement("first reverse, direction 0", Kind.exception)
    seen = replay(render_derivative_script(case, raised))
    assert seen.shows_bug
    assert "AttributeError" in seen.last_line


def test_candidates_are_simpler_and_never_the_same():
    start = call(WRONG, layout={"strided": True})
    asked = {"order": 3, "traced": ["compiled"]}
    for name, candidate, less in simpler(start, asked):
        assert (candidate, less) != (start, asked), name
        case_of(candidate, less, {}, "eager")
    names = {name for name, _, _ in simpler(start, asked)}
    assert names == {"untraced", "order", "contiguous", "sizes", "elements"}


def test_the_same_finding_is_wrong_in_the_same_ways():
    wanted = judgement("first reverse, direction 0")
    assert is_same(wanted, judgement("first reverse, direction 1"))
    assert not is_same(wanted, judgement("first reverse, direction 0", signature="gradient|first|value|forward|X"))
    assert not is_same(wanted, Judgement(Verdict.Pass))


def test_findings_of_one_rule_are_one_cause_whichever_function_shows_it():
    one = Finding(case_of(call(WRONG), {"order": 1}, {}, "eager"), judgement("first reverse, direction 0"), 1)
    other = Finding(case_of(call(SECOND), {"order": 2}, {}, "eager"), judgement("first reverse, direction 2"), 2)
    assert one.is_told_by_signature
    assert one.coarse_key == other.coarse_key
    assert one.id != other.id


TEXTS = {
    "jax": """import jax

jax.config.update("jax_enable_x64", True)


def program(x0):
    return jax.numpy.sin(x0)
""",
    "tensorflow": "import tensorflow as tf\n\n\ndef program(x0):\n    return tf.sin(x0)\n",
}


@pytest.mark.parametrize(("library", "bound"), [("jax", "jax"), ("tensorflow", "tf")])
@pytest.mark.parametrize("where", ["first reverse, direction 0", "second reverse_reverse, direction 1"])
def test_a_script_of_another_library_takes_the_ways_of_that_library(library, bound, where):
    case = Case("api", library, {DERIVATIVES: {"order": 2}}, TEXTS[library], False, 1, {}, {}, (f"{library}.sin",), 1)
    script = render_derivative_script(case, judgement(where))
    module = ast.parse(script)
    defined = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert {where.split()[1].rstrip(","), "program", "main", "real_function", "random_like"} <= defined
    assert script.count(f"import {library}") == 1
    assert "torch" not in script
    assert "assay" not in script
    assert f"{bound}.__version__" in script
    assert script.count("jax_enable_x64") == (library == "jax")
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert "moved" in names


@pytest.mark.parametrize(
    "where", ["curve curve against reverse, direction 0", "curve reverse against curve, direction 0"]
)
def test_a_derivative_along_a_curve_is_held_against_the_one_along_a_line(where):
    text = (
        "import torch\n\n\ndef program(x):\n    return x.sin()\n\n\ndef inputs():\n    return torch.ones(2).double(),\n"
    )
    case = Case("api", "eager", {DERIVATIVES: {"order": 2}}, text, False, 1, {}, {}, ("torch.sin",), 1)
    script = render_derivative_script(case, judgement(where))
    assert "reverse(phi, x, w)" in script
    assert "curve(phi, x, v, w)" in script
    assert replay(script).status == 0
