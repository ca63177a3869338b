"""Where a subject differs first that no lifted program shows: the graphs that Dynamo makes of it, cut, on the target.

    graphs -> the first that is wrong -> its shortest beginning that is wrong, by halves -> of that what it takes

The graphs are those that a backend of torch.compile is given, so that what torch cannot export has them too: between
the calls that break it. Each is run with the values that it is given where the subject is run eagerly, parameters and
all, and whether it is wrong is judged as any output is. A beginning returns what is used after it. Of the shortest
that is wrong the last operation is where eager and the target part; those before it are given as values where it stays
wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.campaign.mistake import UserMistake
from assay.checking.checker import Check
from assay.checking.described import ask, bare_case, eager_beside
from assay.checking.texts import Way, case_text
from assay.ir.case import Case
from assay.ops.catalogue import load
from assay.oracles.verdict import FINDINGS, Judgement

FEW = 8
"""Operations between the first and the last of what is wrong of which each is tried as a value."""

_TRACED = '''
_whole, _state = program, globals().get("state")


def traced():
    """The graphs that Dynamo makes of the subject, each with what it is given when it is first run."""
    found = []

    def record(graph, examples):
        def run(*values):
            if all(graph is not known for known, _ in found):
                found.append((graph, [kept(value) for value in values]))
            return graph(*values)

        return run

    torch._dynamo.reset()
    model = [] if _state is None else [_state()]
    try:
        with torch.set_grad_enabled(TRAINING):
            torch.compile(_whole, backend=record, dynamic=False)(*model, *inputs(0))
    finally:
        torch._dynamo.reset()
    return found


def kept(value):
    """A value as it is now, by itself."""
    if not isinstance(value, torch.Tensor):
        return value
    copied = value.detach().clone()
    if not (TRAINING and value.requires_grad):
        return copied
    return torch.nn.Parameter(copied)
'''.strip().splitlines()

_CUT = '''


class Values(torch.fx.Interpreter):
    """Runs a graph and keeps what every operation gives."""

    def run_node(self, node):
        result = super().run_node(node)
        self.kept[node.name] = tree_map(kept, result)
        return result


def state():
    """The operations COMPUTED of a graph of the subject, which give RETURNED; what else they need is given."""
    graph, given = traced()[NUMBER]
    values = Values(graph, garbage_collect_values=False)
    values.kept = {}
    with torch.set_grad_enabled(TRAINING):
        torch.manual_seed(0)
        values.run(*given)
    cut, made = torch.fx.Graph(), {}

    def taken(node):
        if node.name not in made:
            value = values.kept[node.name]
            if isinstance(value, torch.Tensor):
                name = f"given_{node.name}"
                if not isinstance(value, torch.nn.Parameter):
                    graph.register_buffer(name, value)
                setattr(graph, name, value)
                made[node.name] = cut.get_attr(name)
            elif any(isinstance(leaf, torch.Tensor) for leaf in tree_flatten(value)[0]):
                made[node.name] = cut.node_copy(node, taken)
            else:
                made[node.name] = value
        return made[node.name]

    for node in graph.graph.nodes:
        if node.op == "get_attr" or node.name in COMPUTED:
            made[node.name] = cut.node_copy(node, taken)
    cut.output(tuple(made[name] for name in RETURNED))
    return torch.fx.GraphModule(graph, cut)


def program(model, *given):
    """The part, by itself."""
    return model()
'''.strip("\n").splitlines()


@dataclass(frozen=True)
class Cut:
    """The operations that it takes to be wrong, the last of which parts from eager, and where the user wrote that."""

    operators: tuple[str, ...]
    origin: str
    text: str


Node = Mapping[str, Any]


class _Cutting:
    """The search in one graph."""

    def __init__(self, check: Check, case: Case, judgement: Judgement, number: int, nodes: Sequence[Node]) -> None:
        self.check, self.case, self.judgement = check, case, judgement
        self.number = number
        self.nodes = nodes

    def wrong(self, computed: Sequence[int]) -> bool:
        """Whether some of the operations are wrong that are computed, and the rest given: what they give to others."""
        names = {self.nodes[each]["name"] for each in computed}
        returned = [
            node["name"]
            for place, node in enumerate(self.nodes)
            if place in computed
            and node["tensor"]
            and (place == computed[-1] or not node["users"] or not set(node["users"]) <= names)
        ]
        words = {"COMPUTED": sorted(names), "RETURNED": returned, "NUMBER": self.number}
        lines = list(_CUT)
        for word, value in words.items():
            lines = [line.replace(word, repr(value)) if '"""' not in line else line for line in lines]
        way = Way(training=self.case.training)
        text = ("", "", "from torch.utils._pytree import tree_map", "", "", *_TRACED, *lines)
        found = self.check.judged(self.check.case(way, self.case.target, text))
        return found.verdict in FINDINGS and found.verdict == self.judgement.verdict

    def shortest(self) -> int:
        """The last operation of the shortest beginning that is wrong."""
        low, high = -1, len(self.nodes) - 1
        while high - low > 1 and not self.check.late:
            middle = (low + high) // 2
            self.check.tell(f"graph {self.number + 1} cut after operation {middle + 1} of {len(self.nodes)}")
            low, high = (low, middle) if self.wrong(range(middle + 1)) else (middle, high)
        return high

    def needed(self, last: int) -> list[int]:
        """The operations that have to be computed for the last one to be wrong."""
        low, high = 0, last
        while low < high and not self.check.late:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._still(range(middle, last + 1), last) else (low, middle - 1)
        chosen = list(range(low, last + 1))
        if len(chosen) > 2 and self._still([low, last], last):
            return [low, last]
        for each in chosen[1:-1][:FEW]:
            rest = [other for other in chosen if other != each]
            if not self.check.late and self._still(rest, last):
                chosen = rest
        return chosen

    def _still(self, computed: Sequence[int], last: int) -> bool:
        self.check.tell(f"graph {self.number + 1}: {len(computed)} operations up to the {last + 1}th")
        return self.wrong(computed)


def first_wrong(check: Check, case: Case, judgement: Judgement) -> Cut | None:
    """The operations of a subject that are wrong on the target; None where no cut shows it."""
    subject = check.described.subject
    way = Way(training=case.training)
    options = {"folder": subject.path.rpartition("/")[0] if subject.path else subject.folder}
    plain = bare_case(case_text(subject, way, ("", "", *_TRACED)), eager_beside(case.target), way, **options)
    try:
        told = ask(check.run, plain, "traced", subject.title)
    except UserMistake:
        return None
    for number, nodes in enumerate(told.get("graphs", ())):
        cutting = _Cutting(check, case, judgement, number, nodes)
        if check.late:
            return None
        check.tell(f"graph {number + 1} of {len(told['graphs'])}")
        if any(node["tensor"] for node in nodes) and cutting.wrong(range(len(nodes))):
            return _told(nodes, cutting.needed(cutting.shortest()))
    return None


def _told(nodes: Sequence[Node], computed: Sequence[int]) -> Cut:
    file, line, text, module = nodes[computed[-1]]["origin"]
    where = f"{file}:{line}" if file else ""
    names = tuple(dict.fromkeys(_operator(nodes[each]["operator"]) for each in computed))
    return Cut(names, f"{where} in {module}" if where and module else where or module, text)


def _operator(name: str) -> str:
    """An operation by its specification, where one alone is of that name, else as Dynamo has it.

    >>> _operator("torch.nn.functional.silu"), _operator("package.own")
    ('activation.silu (torch.nn.functional.silu)', 'package.own')
    """
    owner, _, last = name.rpartition(".")
    names = [name]
    if owner.startswith(("torch", "_operator", "Tensor")):
        names += [f"torch.{last}", f"torch.nn.functional.{last}"]
    for each in names:
        # Those of complex numbers are the same functions.
        known = [one.name for one in load().values() if one.torch == each and one.family != "complex"]
        if len(known) == 1:
            return f"{known[0]} ({each})"
    return name
