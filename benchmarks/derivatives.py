"""Derivative rules of our own, right and wrong, as custom rules of each library: the right ones must be accepted, the
wrong ones reported.

    python -m benchmarks.derivatives [--library torch|jax|tensorflow] [--python FILE] [--show]

A rule is a function of one variable with its derivative, as text that each library's names are put into. Wrong are: the
sign, a factor, a branch at a tie beyond what any subgradient is, and a derivative that is itself taken for a constant,
which is wrong from the second order on.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from assay.apis.seeds import LIBRARIES
from assay.campaign.assemble import WARM, judge, witnesses
from assay.campaign.examine import examine
from assay.execution import Worker
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import FINDINGS

SMOOTH = {
    "sin": ("sin(x)", "cos(x)"),
    "exp": ("exp(x)", "exp(x)"),
    "tanh": ("tanh(x)", "1 - tanh(x) * tanh(x)"),
    "sigmoid": ("1 / (1 + exp(-x))", "exp(-x) / ((1 + exp(-x)) * (1 + exp(-x)))"),
    "softplus": ("log(1 + exp(x))", "1 / (1 + exp(-x))"),
    "square": ("x * x", "2 * x"),
    "cube": ("x * x * x", "3 * x * x"),
    "gaussian": ("exp(-x * x)", "-2 * x * exp(-x * x)"),
    "swish": ("x / (1 + exp(-x))", "(1 + exp(-x) + x * exp(-x)) / ((1 + exp(-x)) * (1 + exp(-x)))"),
    "damped": ("exp(-x) * sin(3 * x)", "exp(-x) * (3 * cos(3 * x) - sin(3 * x))"),
    "rational": ("1 / (2 + x * x)", "-2 * x / ((2 + x * x) * (2 + x * x))"),
    "root": ("sqrt(2 + x * x)", "x / sqrt(2 + x * x)"),
    "log": ("log(3 + x * x)", "2 * x / (3 + x * x)"),
    "wave": ("sin(x) * cos(2 * x)", "cos(x) * cos(2 * x) - 2 * sin(x) * sin(2 * x)"),
    "quartic": ("x * x * x * x - x * x", "4 * x * x * x - 2 * x"),
    "arctan": ("tanh(x) * x", "x * (1 - tanh(x) * tanh(x)) + tanh(x)"),
    "odd": ("x * exp(-x * x)", "(1 - 2 * x * x) * exp(-x * x)"),
}
KINKED = {
    "relu": ("where(x > 0, x, 0 * x)", "where(x > 0, 1 + 0 * x, 0 * x)"),
    "absolute": ("where(x > 0, x, -x)", "where(x > 0, 1 + 0 * x, where(x < 0, -1 + 0 * x, 0 * x))"),
    "leaky": ("where(x > 0, x, 0.1 * x)", "where(x > 0, 1 + 0 * x, 0.1 + 0 * x)"),
    "bent": ("where(x > 0, x * x + x, -x)", "where(x > 0, 2 * x + 1, -1 + 0 * x)"),
    "hinge": ("where(x < 1, 1 - x, 0 * x)", "where(x < 1, -1 + 0 * x, 0 * x)"),
    "clamp": ("where(x > 1, 1 + 0 * x, x)", "where(x > 1, 0 * x, 1 + 0 * x)"),
}
POINTS = ("[0.5, -1.25, 2.0]", "[[0.75, -0.5], [1.5, -2.0]]", "[0.0, 1.0, -1.0, 0.25]")
WRONG = ("sign", "factor", "second")
PRELUDES = {
    "torch": """import torch
from torch import cos, exp, log, sin, sqrt, tanh, where


class Rule(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return {function}

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ({derivative})

{forward}

def program(x):
    return Rule.apply(x)


def inputs(call=0):
    return torch.tensor({point}, dtype=torch.float64),
""",
    "jax": """import jax
from jax.numpy import cos, exp, log, sin, sqrt, tanh, where


@jax.custom_jvp
def rule(x):
    return {function}


@rule.defjvp
def rule_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return rule(x), t * ({derivative})


def program(x):
    return rule(x)


def inputs(call=0):
    return jax.numpy.array({point}, dtype="float64"),
""",
    "tensorflow": """import tensorflow as tf
from tensorflow import cos, exp, sin, sqrt, tanh, where
from tensorflow.math import log


@tf.custom_gradient
def rule(x):
    return {function}, lambda g: g * ({derivative})


def program(x):
    return rule(x)


def inputs(call=0):
    return tf.constant({point}, dtype="float64"),
""",
}
# Of a rule with a forward mode the second derivative, forward over forward, is zero (bugs/nested-jvp-of-function-zero):
# torch's rules have one where nothing of second order is asked.
FORWARD = """    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return t * ({derivative})

"""
STOP = {"torch": "({}).detach()", "jax": "jax.lax.stop_gradient({})", "tensorflow": "tf.stop_gradient({})"}


@dataclass(frozen=True)
class Control:
    """A rule at a point; ``fault`` names what is wrong with it, and is empty where nothing is."""

    name: str
    fault: str
    text: str
    order: int


def controls(library: str) -> Iterator[Control]:
    """All rules of a library, each at each point, right and with each fault that it can have."""
    rules = [(name, pair, "") for name, pair in SMOOTH.items()] + [(name, pair, "tie") for name, pair in KINKED.items()]
    for (name, (function, derivative), tie), point in itertools.product(rules, POINTS):
        faults = ["", *([tie] if tie and point == POINTS[2] else [WRONG[(len(name) + len(point)) % 3]])]
        for fault in faults:
            if fault == "second" and tie:
                # A piecewise linear function has nothing of second order to lose.
                fault = "sign"
            order = 1 if library == "torch" and point == POINTS[2] and fault != "second" else 2
            faulty = _faulty(derivative, fault, library, name)
            forward = FORWARD.format(derivative=faulty) if order == 1 else ""
            text = PRELUDES[library].format(function=function, derivative=faulty, point=point, forward=forward)
            yield Control(name, fault, text, order)


def _faulty(derivative: str, fault: str, library: str, name: str) -> str:
    match fault:
        case "sign":
            return f"-({derivative})"
        case "factor":
            return f"0.999 * ({derivative})"
        case "tie":
            threshold = 1.0 if name in ("hinge", "clamp") else 0.0
            return f"where(x == {threshold}, 3 + 0 * x, {derivative})"
        case "second":
            return STOP[library].format(derivative)
    return derivative


def main() -> int:
    """Run the rules and print how many right ones were reported and wrong ones missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--library", action="append", choices=tuple(LIBRARIES), default=[])
    parser.add_argument("--python", metavar="FILE", help="the interpreter that has the library, if not this one")
    parser.add_argument("--show", action="store_true", help="each rule that was judged wrongly, with its text")
    options = parser.parse_args()
    status = 0
    for library in options.library or LIBRARIES:
        counts: Counter[str] = Counter()
        target = LIBRARIES[library] + (f"@{options.python}" if options.python else "")
        with Worker(targets=[target], environment=WARM) as worker:
            run = functools.partial(_run, worker)
            for control in controls(library):
                operator = f"custom.{control.name}"
                case = Case(
                    "api",
                    target,
                    {DERIVATIVES: {"order": control.order}},
                    control.text,
                    False,
                    1,
                    {},
                    {},
                    (operator,),
                    1,
                )
                judgement = examine(case, run, judge, witnesses).judgement
                reported = judgement.verdict in FINDINGS
                counts[f"{'wrong' if control.fault else 'right'} {'reported' if reported else 'passed'}"] += 1
                if reported != bool(control.fault):
                    status = 1
                    print(f"{library}: {control.name} ({control.fault or 'right'}): {judgement.verdict}, "
                          f"{judgement.signature}: {judgement.detail}")  # fmt: skip
                    if options.show:
                        print(control.text)
        right, wrong = (
            counts["right reported"] + counts["right passed"],
            counts["wrong reported"] + counts["wrong passed"],
        )
        print(
            f"{library}: of {right} right rules {counts['right reported']} were reported, "
            f"of {wrong} wrong ones {counts['wrong passed']} were missed"
        )
    return status


def _run(worker: Worker, case: Case, evidence=(), *, alone=False, code="merged", patience=1.0):  # type: ignore[no-untyped-def]
    return worker.run(case, evidence, alone=alone, code=code)


if __name__ == "__main__":
    sys.exit(main())
