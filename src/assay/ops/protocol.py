"""The specification protocol: what an operator states so that it can be generated, rendered, judged and reduced.

A specification names its operands (which tensors fit, and how to make one that does), its attributes (legal values in
classes), the types of its results, the facts about their elements, and how each framework writes it. Everything else
(sampling, promotion of forms, in-place and out= variants, text, retyping, reduction) follows from that and is written
once, elsewhere.

A *binding* ``b`` holds, by name, the type of each operand bound so far (None where left out, a tuple for a list of
operands) and the value of each attribute. ``f`` holds the `Facts` of each operand, by the same names.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from assay.ir.sizes import Shape, Size
from assay.ir.types import RANKS, ScalarType, TensorType
from assay.ops.errors import ErrorRule, Rules
from assay.ops.facts import Facts, Interval, Unsatisfied, require

__all__ = ["MISSING", "Attribute", "Binding", "Facts", "Operand", "Operator", "Unsatisfied", "require"]

MISSING = object()
CLASSES = ("default", "boundary", "negative", "other")


class Binding:
    """Operand types and attribute values by name, as attributes of this object."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the specification has not bound {name!r} at this point")


class Draw(Protocol):
    """What a specification may ask of the generator when it makes an operand."""

    random: random.Random

    def size(self) -> Size:
        """A size of a dimension, by the policy; it may be symbolic."""

    def shape(self, rank: int) -> Shape:
        """A shape of small sizes, by the policy."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand.

    ``accepts(b, type)`` says whether a tensor fits beside what is bound; ``make(b, draw)`` gives a type that does.
    ``many`` bounds the number of tensors in a list operand. ``scalars`` are the kinds of Python number that may stand
    in its place. ``domain`` bounds its elements. The operation is discontinuous in an operand with ``jumps``, so that
    what comes of a rounded one may be tipped. An ``optional`` operand may be left out. ``distinct`` asks for an integer
    input whose elements differ from each other. With ``no_gradient`` torch refuses one that requires grad. With
    ``no_overlap`` its memory may not overlap itself, as that of an expanded tensor does; with ``dense_to_train``
    backward works only where it is an input without gaps.
    """

    name: str
    dtypes: tuple[str, ...]
    ranks: tuple[int, ...] = RANKS
    accepts: Callable[[Binding, TensorType], bool] | None = None
    make: Callable[[Binding, Draw], TensorType] | None = None
    many: tuple[int, int] | None = None
    scalars: tuple[str, ...] = ()
    domain: Interval | Callable[[Binding], Interval | None] | None = None
    jumps: bool | Callable[[Binding], bool] = False
    optional: bool = False
    distinct: bool = False
    role: str = "value"
    no_gradient: bool = False
    no_overlap: bool = False
    dense_to_train: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. ``classes(b)`` gives the legal values by class: default, boundary, negative, other.

    ``default`` is the framework's own default, which is left out of the text; an attribute that is ``hidden`` only
    shapes operands (a kernel's size) and is never written; ``positional`` ones are written without their name.
    """

    name: str
    classes: Callable[[Binding], Mapping[str, Sequence[Any]]]
    default: Any = MISSING
    hidden: bool = False
    positional: bool = False


Inferred = TensorType | tuple[TensorType, ...]
Transfer = Callable[[Binding, Any], Facts | tuple[Facts, ...]]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator specification; `operator` makes and registers one.

    ``view`` names the operand that the result is a view of (``maybe_view``: may be). ``method``, ``inplace`` and
    ``symbol`` are the other ways that torch writes it; an ``inplace`` with dots is a function, and where it is that of
    ``torch`` itself, it takes inplace=True. ``out`` says whether it takes out=, and with which attributes. ``render``
    replaces the default text of the function form. ``saves`` tells what backward keeps: none, inputs, output, both.
    ``thresholds`` are values at which its behaviour changes, for the input profiles.

    ``order`` names operands and attributes in the order in which torch takes them by position, where that is not the
    order of the operands (``gather(x, dim, index)``); the tensor of a method form is always the first operand.
    ``inplace_only`` operators have no other form. ``writes`` names operands that every form writes (running
    statistics); `facts` gives theirs after those of the results. ``results`` is 0 where their number follows from
    operands and attributes.
    """

    name: str
    operands: tuple[Operand, ...]
    attributes: tuple[Attribute, ...]
    infer: Callable[[Binding], Inferred]
    facts: Transfer
    torch: str
    # A form of `assay.ops.onnx_forms`, or the name of a node that takes the operands in order.
    onnx: str | Callable[..., str | tuple[str, ...]] | None = None
    jax: str | None = None
    tensorflow: str | None = None
    method: str | None = None
    inplace: str | None = None
    symbol: str | None = None
    out: bool | Callable[[Mapping[str, Any]], bool] = False
    view: str | None = None
    maybe_view: str | None = None
    render: Callable[[Sequence[str], Mapping[str, Any]], str] | None = None
    differentiable: bool = True
    saves: str = "both"
    thresholds: tuple[float, ...] = ()
    results: int = 1
    summary: str = ""
    order: tuple[str, ...] = ()
    inplace_only: bool = False
    writes: tuple[str, ...] = ()
    # Results whose tie-breaking is not promised (indices of equal maxima): compared only where elements cannot tie.
    unpromised: tuple[int, ...] = ()
    index: Mapping[str, int] = field(default_factory=dict)
    # Whether an operator that is not differentiable is harmless in a graph (comparisons); floor_divide makes backward
    # fail.
    stops_gradients: bool = True
    # Whether backward works with these operands, where it does not with all that forward takes.
    trains: Callable[[Binding], bool] | None = None
    # Whether backward works where it is written in place.
    trains_inplace: bool = True
    # Whether backward works where just the named operands require a gradient; where none does, it has to.
    gradients: Callable[[Binding, frozenset[str]], bool] | None = None
    # The operator that stands for this one in float64, where the name of this one fixes a narrower type.
    in_float64: str | None = None
    # The local error rule of the framework operation that ``torch`` names, or rules by the names of those that forward
    # and backward dispatch to.
    error: ErrorRule | Rules | None = None
    # Whether its results are rounded whatever the operands are, which rules of operations that it shares do not tell.
    rounds: bool = False
    # Whether it raises where an operand is not finite or leaves its domain, or gives what a sample decides: it meets no
    # special values.
    finite: bool = False
    # Why dtypes ("float16") and ranks ("rank 0") of the first operand are not declared although torch takes them.
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


OVERLAPPING = ("expand", "expand_as", "broadcast_to", "unfold", "as_strided")
"""How operators are called whose result may have several elements in one place."""


class Registry:
    """The operators that were registered, by name, in order of registration."""

    def __init__(self) -> None:
        self.operators: dict[str, Operator] = {}

    def add(self, operator: Operator) -> Operator:
        """Register one. Raises ValueError where the name is taken."""
        if operator.name in self.operators:
            raise ValueError(f"operator {operator.name} is registered twice")
        self.operators[operator.name] = operator
        return operator


REGISTRY = Registry()


def operator(
    name: str,
    *,
    operands: Sequence[Operand],
    infer: Callable[[Binding], Inferred],
    facts: Transfer,
    torch: str,
    attributes: Sequence[Attribute] = (),
    **rest: Any,
) -> Operator:
    """Make an operator specification and register it under its name (``family.name``).

    The method form defaults to the last part of ``torch`` where that is a plain ``torch.`` function; pass
    ``method=None`` where there is none.
    """
    if "method" not in rest and torch.count(".") == 1 and not torch.startswith("torch._"):
        rest["method"] = torch.partition(".")[2]
    index = {operand.name: position for position, operand in enumerate(operands)}
    return REGISTRY.add(
        Operator(
            name=name,
            operands=tuple(operands),
            attributes=tuple(attributes),
            infer=infer,
            facts=facts,
            torch=torch,
            index=index,
            **rest,
        )
    )


def bind(operator: Operator, types: Sequence[Any], attributes: Mapping[str, Any]) -> Binding:
    """The binding of a specification's operands and attributes."""
    binding = Binding()
    for operand, type_ in zip(operator.operands, types, strict=True):
        setattr(binding, operand.name, type_)
    for name, value in attributes.items():
        setattr(binding, name, value)
    return binding


def kind_of_scalar(value: object) -> ScalarType:
    """The type of a Python constant."""
    return ScalarType(type(value).__name__)
