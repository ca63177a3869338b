"""Local error rules: by how much one correct evaluation of an operation may depart from another (ORACLE.md).

A specification states the rules of the framework operations that it dispatches to, forward and backward, in ``error``;
the shadow run of a worker applies them. What states none gets the conservative default, `UNKNOWN`. docs/numerics.md
derives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from assay.ops.protocol import Operator

INEXACT = ("activation", "loss", "margin", "norm", "smooth")
"""Families of which most operators round, often by others that they are made of."""
ROUNDING_TOO = (
    "chance.gumbel_softmax", "chance.rrelu", "complex.mean", "pool.adaptive_avg_pool1d", "pool.adaptive_avg_pool2d",
    "pool.adaptive_avg_pool3d", "special.float_power", "special.ndtr", "spectrum.istft", "statistic.nanmean",
    "statistic.nanquantile", "statistic.quantile",
)  # fmt: skip
"""Operators that round with most operands although neither their family nor their rules tell."""
EXACT_OFTEN = (
    "activation.hardshrink", "activation.hardtanh", "activation.leaky_relu", "activation.relu6",
    "activation.softshrink", "activation.threshold", "binary.div", "contract.addr", "loss.l1_loss", "loss.mse_loss",
    "loss.nll_loss", "place.index_reduce", "pool.avg_pool2d", "pool.avg_pool3d", "reduce.prod", "reduce.vector_norm",
    "scan.cumprod", "scatter.scatter_reduce", "ternary.addcmul", "unary.pow", "unary.square",
)  # fmt: skip
"""Operators that are exact with most operands that exact programs have, whatever their family and rules tell."""

Kind: TypeAlias = Literal["moves", "elementwise", "sums", "smooth", "steady", "selects", "pinned", "unknown"]


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """The rule of one framework operation.

    ``k`` is the local error in units of the roundoff of the precision that it is computed in (float32 for the 16-bit
    types), relative to the terms that may cancel inside: ``|h| + one + operand * (the largest magnitude among the
    operands that an element meets)``. Where ``times`` is the position of a tensor operand that the result is
    proportional to (the gradient of a backward formula), ``one`` and ``operand`` count in multiples of its elements.
    ``inside`` is how many times eager rounds a 16-bit type to itself before the end, relative to the same terms.

    ``jumps`` are the positions of the tensor operands, among all of them, in which the operation is discontinuous.
    With ``narrow`` sums are kept in the dtype of the result, even if it has 16 bits; a string names the boolean
    argument of the operation that says so. ``each`` is the error of each further factor of a product, or of each step
    of the position that a weight follows from, of the greatest operand. With ``absolute`` the terms are the operation
    on magnitudes; with ``centred`` results 1 and 2 are the means that are subtracted and the inverse deviations (2:
    which eager takes from the mean of squares now and then). With ``scatters`` an index operand says where a result
    goes rather than where it comes from.
    """

    kind: Kind
    k: float = 0.0
    one: float = 0.0
    operand: float = 0.0
    jumps: tuple[int, ...] = ()
    narrow: bool | str = False
    scatters: bool = False
    inside: float = 0.0
    times: int = -1
    each: float = 0.0
    absolute: bool = False
    centred: int = 0

    def to_json(self) -> list[object]:
        """The rule as the worker takes it: its fields in order."""
        return [list(value) if isinstance(value, tuple) else value for value in astuple(self)]


Rules: TypeAlias = Mapping[str, ErrorRule]
"""Rules by the name of the framework's operation, without namespace: ``add``, ``native_layer_norm``. A name may add an
overload, ``div.Tensor_mode``, or the value of the argument ``reduce``, ``scatter_reduce:amax``; these go first."""


def moves(*, jumps: tuple[int, ...] = (), scatters: bool = False) -> ErrorRule:
    """Every element of a result is an element of an operand, a constant, or the larger or smaller of such: nothing is
    rounded, and every result is nondecreasing in every operand that it may come from, or depends on one alone."""
    return ErrorRule("moves", jumps=jumps, scatters=scatters)


def rounded(
    k: float = 1.0,
    *,
    one: float = 0.0,
    operand: float = 0.0,
    jumps: tuple[int, ...] = (),
    inside: float = 0.0,
    times: int = -1,
    absolute: bool = False,
) -> ErrorRule:
    """A function of single elements, evaluated to within k roundoffs and then rounded to the dtype of the result.

    1 for + - * and casts, 2 for division and square root, 8 for transcendental functions, 16 for pow and gamma-like
    ones.
    """
    return ErrorRule("elementwise", k, one, operand, jumps, inside=inside, times=times, absolute=absolute)


def steps(*jumps: int) -> ErrorRule:
    """A function of single elements that is discontinuous in the operands at these positions (the first, if none is
    named) and rounds nothing."""
    return ErrorRule("elementwise", jumps=jumps or (0,))


def sums(
    k: float = 1.0,
    *,
    operand: float = 0.0,
    narrow: bool | str = False,
    scatters: bool = False,
    inside: float = 0.0,
    each: float = 0.0,
) -> ErrorRule:
    """Linear in each tensor operand: sums, contractions, convolutions, averages, accumulating writes."""
    return ErrorRule("sums", k, operand=operand, narrow=narrow, scatters=scatters, inside=inside, each=each)


def smooth(
    k: float = 1.0,
    *,
    one: float = 0.0,
    operand: float = 0.0,
    inside: float = 0.0,
    narrow: bool = False,
    centred: int = 0,
) -> ErrorRule:
    """A continuous function of many elements, with the conditioning of its operands: norms, softmax, variance."""
    return ErrorRule("smooth", k, one, operand, inside=inside, narrow=narrow, centred=centred)


def steady(k: float = 4.0, *, each: float = 0.0, narrow: bool = False, inside: float = 0.0) -> ErrorRule:
    """A function of many elements in which nothing cancels, so that its error is relative to the result: sums of terms
    of one sign, and products, where ``each`` is the error of one more factor."""
    return ErrorRule("steady", k, narrow=narrow, inside=inside, each=each)


WRITTEN = moves(scatters=True)
"""What is written to places that an index names."""

ADDED = sums(narrow=True, scatters=True)
"""What is added up in places that an index names, rounded to the dtype of the result each time."""

SELECTS = ErrorRule("selects")
"""Extremes, orders and the indices of what was chosen."""

PINNED = ErrorRule("pinned")
"""The result is that of the eager run: samples, what only sizes decide, memory that is not initialised."""

UNKNOWN = ErrorRule("unknown", 16.0, 0.0)
"""The conservative default: as `smooth`, with the roundoff of the narrowest type, and any index makes all unknown."""


def rules_of(operators: Iterable[Operator]) -> dict[str, ErrorRule]:
    """The rules that specifications state, by framework operation. Raises ValueError where two differ."""
    found: dict[str, tuple[ErrorRule, str]] = {}
    for operator in operators:
        for name, rule in _stated(operator).items():
            known, owner = found.setdefault(name, (rule, operator.name))
            if known != rule:
                raise ValueError(f"{operator.name} and {owner} state different error rules for {name}")
    return {name: rule for name, (rule, _) in found.items()}


def rounds(operator: Operator) -> bool:
    """Whether an operator leaves exact arithmetic with most operands."""
    if operator.name in EXACT_OFTEN:
        return False
    rules = [rule for name, rule in _stated(operator).items() if not name.endswith("_backward")]
    inexact = operator.rounds or operator.family in INEXACT or operator.name in ROUNDING_TOO
    return inexact or any(rule.kind in ("smooth", "steady") or rule.k > 1 for rule in rules)


def _stated(operator: Operator) -> Rules:
    if operator.error is None:
        return {}
    if isinstance(operator.error, ErrorRule):
        return {operator.torch.rpartition(".")[2]: operator.error}
    return operator.error
