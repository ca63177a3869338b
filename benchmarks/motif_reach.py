"""Do motifs reach the passes that they are written for? Each alone in a program, against programs without motifs.

    python -m benchmarks.motif_reach --target inductor --programs 2
    python -m benchmarks.motif_reach --target onnxruntime --programs 2

inductor: how often those patterns, operations that do nothing and folders of constants that a motif names acted in the
joint and the post-grad graph; its passes run, and no code is generated. What a motif names beyond these (lowerings, the
scheduler, what is off by default) is not seen: only motifs that name one of these count.
onnxruntime: by how many nodes the optimised model differs where the transformers that a motif names are left out. The
programs without motifs are drawn by the same policies, and each is held against the transformers of one motif.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial, wraps
from itertools import count as numbers

from tests.generate.motifs.drafts import built

from assay.backends import find_backend
from assay.campaign.assemble import kernels_of
from assay.emit.onnx import DEFAULT_OPSET
from assay.emit.onnx import render as render_onnx
from assay.emit.torch import render
from assay.generate.dialect import TORCH, Dialect
from assay.generate.graph import draw_program
from assay.generate.motifs.catalogue import load
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, walk
from assay.ops.catalogue import load as load_operators

OPERATIONS = 5
CHOICES = {
    "motifs": 0.0,
    "dtypes": ("float32", "int64", "bool"),
    "exact": False,
    "decisions": True,
    "training": False,
    "symbols": 0,
    "zero_sizes": False,
    "regions": 0.0,
    "containers": 0.0,
    "state": 0.0,
}


@dataclasses.dataclass
class Count:
    """Of programs: their operations, what passes did in them, and in how many they did anything."""

    programs: int = 0
    operations: int = 0
    done: int = 0
    touched: int = 0

    def add(self, program: Program, done: int) -> None:
        """Count one."""
        self.programs += 1
        self.operations += sum(isinstance(each, Operation) for each in walk(program.body))
        self.done += done
        self.touched += done > 0

    def merge(self, other: Count) -> None:
        """Count those of another count too."""
        self.programs += other.programs
        self.operations += other.operations
        self.done += other.done
        self.touched += other.touched

    def told(self) -> dict[str, float]:
        """As figures: the share of programs in which something was done, and how much for one operation."""
        return {
            "programs": self.programs,
            "operations": self.operations,
            "touched_share": round(self.touched / max(self.programs, 1), 3),
            "done_per_operation": round(self.done / max(self.operations, 1), 3),
        }


@cache
def hooked() -> Counter[str]:
    """The names of what acts in inductor's passes, counted from now on."""
    import torch._inductor.fx_passes.joint_graph as joint
    import torch._inductor.fx_passes.post_grad as post
    import torch._inductor.pattern_matcher as patterns

    acted: Counter[str] = Counter()

    def told(entry_type):
        apply = entry_type.apply

        def applied(self, match, graph, node):
            acted[getattr(getattr(self, "handler", None), "__name__", "")] += 1
            return apply(self, match, graph, node)

        entry_type.apply = applied

    for entry_type in (patterns.LoweringPatternEntry, patterns.GraphPatternEntry, patterns.ReplacementPatternEntry):
        told(entry_type)
    for target, (condition, operand) in list(post.noop_registry.items()):

        @wraps(condition)
        def noop(*args, _condition=condition, **kwargs):
            found = _condition(*args, **kwargs)
            acted[_condition.__name__] += bool(found)
            return found

        post.noop_registry[target] = (noop, operand)
    fold = joint.constant_fold_uniform_value

    def folded(graph):
        before = [(node.op, node.target, node.args) for node in graph.graph.nodes]
        fold(graph)
        acted["constant_fold_uniform_value"] += before != [
            (node.op, node.target, node.args) for node in graph.graph.nodes
        ]

    joint.constant_fold_uniform_value = folded
    return acted


def seen_passes() -> set[str]:
    """The names of all that `hooked` counts, once something was compiled."""
    import torch._inductor.fx_passes.joint_graph as joint
    import torch._inductor.fx_passes.post_grad as post
    from torch._inductor.pattern_matcher import PatternMatcherPass

    found = {"constant_fold_uniform_value", *(f"_sfdp_pattern_{number}" for number in range(1, 31))}
    found |= {condition.__name__ for condition, _ in post.noop_registry.values()}
    for value in (*vars(joint).values(), *vars(post).values()):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, PatternMatcherPass):
                entries = [entry for listed in each.patterns.values() for entry in listed]
                found |= {getattr(getattr(entry, "handler", None), "__name__", "") for entry in entries}
    return found


def matched(program: Program, passes: tuple[str, ...]) -> int:
    """How often passes of inductor acted in a program."""
    import torch
    from torch._dynamo.utils import counters, detect_fake_mode
    from torch._functorch.aot_autograd import make_boxed_func
    from torch._inductor.compile_fx import compile_fx
    from torch._inductor.fx_passes.post_grad import post_grad_passes
    from torch._inductor.virtualized import V

    acted = hooked()

    def inner(graph, inputs, **_):
        with V.set_fake_mode(detect_fake_mode(inputs)):
            post_grad_passes(graph, True)
        return make_boxed_func(graph.forward)

    torch._dynamo.reset()
    counters.clear()
    acted.clear()
    module = types.ModuleType("program")
    exec(render(program), module.__dict__)
    state = (module.state(),) if hasattr(module, "state") else ()
    compiled = torch.compile(
        module.program, backend=lambda graph, inputs: compile_fx(graph, inputs, inner_compile=inner), dynamic=False
    )
    with torch.no_grad():
        compiled(*state, *module.inputs(0))
    fused = counters["inductor"]["fuse_attention"] if any(name.startswith("_sfdp") for name in passes) else 0
    return int(fused) + sum(acted[name] for name in passes)


# The names under which transformers can be left out, where they are not those of their classes.
LEFT_OUT_AS = {
    "MatmulBNFusion": ("MatMul_BatchNormalization_Fusion",),
    "PadFusion": ("Pad_Fusion",),
    "GeluFusion": ("GeluFusionL1", "GeluFusionL2"),
    "LayerNormFusion": ("LayerNormFusionL1", "LayerNormFusionL2"),
    "TransposeOptimizer": ("TransposeOptimizer", "TransposeOptimizer_CPUExecutionProvider"),
}


def acted(program: Program, transformers: tuple[str, ...]) -> int:
    """By how many nodes the optimised model differs from what it is without these transformers."""
    module = types.ModuleType("model")
    exec(render_onnx(program), module.__dict__)
    model = module.model().SerializeToString()
    backend = find_backend("onnxruntime").module
    left_out = [each for name in transformers for each in LEFT_OUT_AS.get(name, (name,))]
    changes = []
    for without in ([], left_out):
        backend.compile(model, "onnxruntime", {"level": "all", "without": without})
        told = backend.engagement()
        change = Counter(told["added"])
        change.subtract(told["removed"])
        changes.append(change)
    one, other = changes
    return sum(abs(one[name] - other[name]) for name in {*one, *other})


def reached(count: Callable[[], int], found: Count, program: Program, failures: list[str]) -> None:
    """Count a program; what the system under test raises is noted, and the program left out."""
    try:
        done = count()
    except Exception as error:  # the system under test: a finding for a campaign, not for this
        failures.append(f"{type(error).__name__}: {str(error)[:100]}")
    else:
        found.add(program, done)


def plain(dialect: Dialect) -> Iterator[Program]:
    """Programs without motifs."""
    settings = Settings(1, tuple(load_operators()), OPERATIONS, ("eager",))
    for index in numbers():
        yield draw_program(settings, index, forced=CHOICES, dialect=dialect).program


def main() -> int:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=("inductor", "onnxruntime"), default="inductor")
    parser.add_argument("--programs", type=int, default=2, help="of each motif")
    parser.add_argument("--only", help="one family")
    arguments = parser.parse_args()
    onnx = arguments.target == "onnxruntime"
    count = acted if onnx else matched
    dialect = Dialect(DEFAULT_OPSET, kernels_of(["onnxruntime"])["onnxruntime"]) if onnx else TORCH
    failures: list[str] = []
    each: dict[str, Count] = {}
    whole, beside = Count(), Count()
    others = plain(dialect)
    seen: set[str] = set()
    if not onnx:
        matched(next(others), ())
        seen = seen_passes()
    for motif in load().values():
        passes = motif.onnxruntime if onnx else tuple(name for name in motif.inductor if name in seen)
        if not passes or (arguments.only and motif.family != arguments.only):
            continue
        each[motif.name] = Count()
        for program in built(motif, "", arguments.programs, dialect, CHOICES):
            reached(partial(count, program, passes), each[motif.name], program, failures)
            other = next(others)
            reached(partial(count, other, passes), beside, other, failures)
        whole.merge(each[motif.name])
    figures = {
        "target": arguments.target,
        "motifs": len(each),
        "motifs_touched": sum(one.touched > 0 for one in each.values()),
        "untouched": [name for name, one in each.items() if not one.touched],
        "with_motif": whole.told(),
        "without": beside.told(),
        "raised": failures,
    }
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
