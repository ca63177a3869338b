"""Where a subject differs first that no lifted program shows: its own graph, cut after an operation, on the target.

The graph is the one that torch exports, run with the subject's own parameters and inputs. A cut returns what one
operation gives, and whether that is wrong is judged as any output is. The first wrong one is looked for by halves:
every cut is a compile, and what is wrong early is seldom right later.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.campaign.mistake import UserMistake
from assay.checking.checker import Check
from assay.checking.described import ask, bare_case, eager_beside
from assay.checking.texts import Way, case_text
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Judgement

_CUT = '''
_whole, _state = program, globals().get("state")


class Whole(torch.nn.Module):
    """The subject as one module."""

    def __init__(self):
        super().__init__()
        if _state is not None:
            self.model = _state()

    def forward(self, *given):
        return _whole(*given) if _state is None else _whole(self.model, *given)


def state():
    """The subject's graph up to the operation NODE, which it returns."""
    whole = Whole()
    whole.training = TRAINING
    with torch.set_grad_enabled(TRAINING):
        cut = torch.export.export(whole, tuple(inputs(0)), strict=False).module(check_guards=False)
    given = next(node for node in cut.graph.nodes if node.name == NODE)
    (output,) = [node for node in cut.graph.nodes if node.op == "output"]
    output.args = ((given,),)
    cut.graph._codegen = torch.fx.graph.CodeGen()
    while output.prev is not given:
        cut.graph.erase_node(output.prev)
    cut.recompile()
    return cut


def program(model, *given):
    """The graph, given the leaves of the inputs."""
    return model(*tree_flatten(given)[0])
'''.strip().splitlines()


@dataclass(frozen=True)
class Cut:
    """The first operation that is wrong, and where the user wrote it."""

    operator: str
    origin: str
    text: str


def first_wrong(check: Check, case: Case, judgement: Judgement) -> Cut | None:
    """The first operation of a subject that is wrong on the target; None where no cut shows it."""
    subject = check.described.subject
    way = Way(training=case.training)
    options = {"folder": subject.path.rpartition("/")[0] if subject.path else subject.folder}
    plain = bare_case(case_text(subject, way), eager_beside(case.target), way, **options)
    try:
        told = ask(check.run, plain, "graph", subject.title)
    except UserMistake:
        return None
    nodes = [node for node in told.get("nodes", []) if isinstance(node["result"], list)]

    def wrong(number: int) -> bool:
        check.tell(f"cut after operation {number + 1} of {len(nodes)}")
        lines = [line.replace("NODE", repr(nodes[number]["name"])) for line in _CUT]
        found = check.judged(check.case(way, case.target, ("", "", *lines)))
        return found.verdict in FINDINGS and found.verdict == judgement.verdict

    if not nodes or check.late or not wrong(len(nodes) - 1):
        return None
    low, high = -1, len(nodes) - 1
    while high - low > 1 and not check.late:
        middle = (low + high) // 2
        low, high = (low, middle) if wrong(middle) else (middle, high)
    file, line, text, module = nodes[high]["origin"]
    where = f"{file}:{line}" if file else ""
    return Cut(nodes[high]["operator"], f"{where} in {module}" if where and module else where or module, text)
