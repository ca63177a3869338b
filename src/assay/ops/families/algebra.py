"""Linear algebra: solving, inverting, factors, determinants, norms and functions of matrices.

What is asked of a matrix (that it is well conditioned, symmetric, positive, triangular) is no fact about single
elements. So each text makes such a matrix of any: a dominant diagonal is added, a symmetric one is made of a half.
Factors are unique up to signs and order, and are led back to what is unique.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Size, largest, smallest
from assay.ir.types import FLOATS, RANKS, TensorType
from assay.ops.attributes import flag, values
from assay.ops.facts import Facts, Interval, require
from assay.ops.operands import free, matching
from assay.ops.protocol import Attribute, Binding, Draw, Operand, operator
from assay.ops.shapes import normal_dim, reduced

WIDE = ("float32", "float64")
MATRICES = RANKS[2:]
ENTRIES = Interval(-1, 1)
LIMIT = 6

# Diagonals that outweigh rows and columns: of entries up to 1, the inverse has none beyond 1.
DOMINANT = "({0} + 2 * {0}.shape[-1] * torch.eye({0}.shape[-1], dtype={0}.dtype))"
SYMMETRIC = "({0} + {0}.mT + 4 * {0}.shape[-1] * torch.eye({0}.shape[-1], dtype={0}.dtype))"
# Distinct values on the diagonal, far enough from each other that those of the matrix are too.
APART = "({0} + {0}.mT + 8 * {0}.shape[-1] * torch.diag(torch.arange(1, {0}.shape[-1] + 1, dtype={0}.dtype)))"


def order_of(draw: Draw) -> Size:
    """How many rows a matrix has: not many."""
    size = draw.size()
    return size if smallest(size) > 0 and largest(size) <= LIMIT else draw.random.randint(1, LIMIT)


def square(b: Binding, draw: Draw) -> TensorType:
    """A square matrix or a batch of them."""
    size = order_of(draw)
    batch = draw.shape(draw.random.choice((0, 0, 1, 1, 2, 3, 4)))
    return TensorType(draw.random.choice(WIDE), (*batch, size, size))


def is_square(b: Binding, candidate: TensorType) -> bool:
    """As many rows as columns."""
    return candidate.rank > 1 and candidate.shape[-1] == candidate.shape[-2]


SQUARE = free("x", WIDE, MATRICES, accepts=is_square, make=square, domain=ENTRIES)


def order(b: Binding) -> int:
    """How many rows there are."""
    return largest(b.x.shape[-1])


def checked(b: Binding) -> None:
    """Neither empty, of which backward of torch 2.13 has no kernels, nor great."""
    require(smallest(b.x.elements) > 0, "a matrix of nothing")
    require(order(b) <= LIMIT, "a great matrix")


def algebra(
    name: str,
    text: str,
    infer: Callable[[Binding], Any],
    bound: Callable[[Binding, Any], float | tuple[float, float]],
    others: Sequence[Operand] = (),
    attributes: Sequence[Attribute] = (),
    *,
    first: Operand = SQUARE,
    **rest: Any,
) -> None:
    """A text with names of operands and attributes in braces, whose results are bounded by a number."""

    def render(operands: Sequence[str], given: Any) -> str:
        return text.format(*operands, **given)

    def inferred(b: Binding) -> Any:
        checked(b)
        return infer(b)

    def facts(b: Binding, f: Any) -> Facts:
        found = bound(b, f)
        low, high = found if isinstance(found, tuple) else (-found, found)
        return Facts(low, high)

    operator(
        f"algebra.{name}",
        operands=[first, *others],
        attributes=attributes,
        infer=inferred,
        facts=facts,
        torch=rest.pop("torch", f"torch.linalg.{name}"),
        method=None,
        render=render,
        saves=rest.pop("saves", "both"),
        rounds=rest.pop("rounds", True),
        finite=True,
        # What these share stands in `ops/framework.py`.
        error={},
        **rest,
    )


def numbers(b: Binding) -> TensorType:
    """One for each matrix."""
    return b.x.with_shape(b.x.shape[:-2])  # type: ignore[no-any-return]


def rows(b: Binding) -> TensorType:
    """One for each row of each matrix."""
    return b.x.with_shape(b.x.shape[:-1])  # type: ignore[no-any-return]


def right_sides(b: Binding) -> TensorType:
    """The shape of the right sides."""
    return b.y  # type: ignore[no-any-return]


SIDES = matching(
    "y",
    "x",
    lambda b, d: (*b.x.shape[:-1], d.size()),
    lambda b, s: len(s) == b.x.rank and s[:-1] == b.x.shape[:-1],
    MATRICES,
    domain=Interval(-8, 8),
)


def solution(b: Binding, f: Any) -> float:
    """No more than the right side, times how much the margin of the diagonal falls short."""
    require(smallest(b.y.elements) > 0, "nothing to solve")
    return 2.0 * float(f.y.magnitude) + 0.01


algebra("inv", f"torch.linalg.inv({DOMINANT})", lambda b: b.x, lambda b, f: 1.01, jax="jnp.linalg.inv")
algebra("inv_ex", f"torch.linalg.inv_ex({DOMINANT})[0]", lambda b: b.x, lambda b, f: 1.01)
algebra("pinv", f"torch.linalg.pinv({DOMINANT})", lambda b: b.x, lambda b, f: 1.1, jax="jnp.linalg.pinv")
algebra(
    "solve",
    f"torch.linalg.solve({DOMINANT}, {{1}}, left=True)",
    right_sides,
    solution,
    [SIDES],
    jax="jnp.linalg.solve",
)
algebra(
    "solve_rows",
    f"torch.linalg.solve({DOMINANT}, {{1}}.mT, left=False)",
    lambda b: b.y.with_shape((*b.y.shape[:-2], b.y.shape[-1], b.y.shape[-2])),
    solution,
    [SIDES],
    torch="torch.linalg.solve",
)
algebra("solve_ex", f"torch.linalg.solve_ex({DOMINANT}, {{1}})[0]", right_sides, solution, [SIDES])
algebra(
    "lu_solve",
    f"torch.linalg.lu_solve(*torch.linalg.lu_factor({DOMINANT}), {{1}}, adjoint={{adjoint}})",
    right_sides,
    solution,
    [SIDES],
    [flag("adjoint")],
)
algebra(
    "lu",
    f"(lambda p, l, u: p @ l @ u)(*torch.linalg.lu({DOMINANT}))",
    lambda b: b.x,
    lambda b, f: 3.0 * order(b) + 1,
)
algebra(
    "cholesky",
    f"torch.linalg.cholesky({SYMMETRIC}, upper={{upper}})",
    lambda b: b.x,
    lambda b, f: math.sqrt(6.0 * order(b)) + 1,
    (),
    [flag("upper")],
    jax="jnp.linalg.cholesky",
)
algebra(
    "cholesky_ex",
    f"torch.linalg.cholesky_ex({SYMMETRIC})[0]",
    lambda b: b.x,
    lambda b, f: math.sqrt(6.0 * order(b)) + 1,
)
algebra(
    "cholesky_solve",
    f"torch.cholesky_solve({{1}}, torch.linalg.cholesky({SYMMETRIC}))",
    right_sides,
    solution,
    [SIDES],
    torch="torch.cholesky_solve",
)
algebra(
    "cholesky_inverse",
    f"torch.cholesky_inverse(torch.linalg.cholesky({SYMMETRIC}))",
    lambda b: b.x,
    lambda b, f: 1.01,
    torch="torch.cholesky_inverse",
)
algebra(
    "solve_triangular",
    f"torch.linalg.solve_triangular({DOMINANT}, {{1}}, upper={{upper}}, unitriangular={{unitriangular}})",
    right_sides,
    lambda b, f: solution(b, f) * (2.0 ** order(b) if b.unitriangular else 1.0),
    [SIDES],
    [values("upper", other=(True, False)), flag("unitriangular")],
    jax="jax.scipy.linalg.solve_triangular",
)
algebra("det", f"torch.linalg.det({DOMINANT})", numbers, lambda b, f: (0.0, (3.0 * order(b)) ** order(b) + 1))
algebra(
    "slogdet",
    f"torch.linalg.slogdet({DOMINANT})[1]",
    numbers,
    lambda b, f: order(b) * math.log(3 * order(b)) + 1,
)
algebra("logdet", f"torch.logdet({SYMMETRIC})", numbers, lambda b, f: order(b) * math.log(6 * order(b)) + 1)
algebra(
    "eigvalsh", f"torch.linalg.eigvalsh({APART})", rows, lambda b, f: 12.0 * order(b) ** 2, jax="jnp.linalg.eigvalsh"
)
algebra(
    "eigh",
    f"(lambda w, v: v * w.unsqueeze(-2) @ v.mT)(*torch.linalg.eigh({APART}, UPLO={{uplo!r}}))",
    lambda b: b.x,
    lambda b, f: 12.0 * order(b) ** 2,
    (),
    [values("uplo", "L", other=("U",))],
)
algebra("svdvals", f"torch.linalg.svdvals({APART})", rows, lambda b, f: (0.0, 12.0 * order(b) ** 2))
algebra(
    "svd",
    f"(lambda u, s, vh: u * s.unsqueeze(-2) @ vh)(*torch.linalg.svd({APART}, full_matrices={{full_matrices}}))",
    lambda b: b.x,
    lambda b, f: 12.0 * order(b) ** 2,
    (),
    [flag("full_matrices", True)],
)
algebra(
    "qr",
    f"(lambda q, r: q @ r)(*torch.linalg.qr({DOMINANT}, mode={{mode!r}}))",
    lambda b: b.x,
    lambda b, f: 3.0 * order(b) + 1,
    (),
    [values("mode", "reduced", other=("complete",))],
)
algebra(
    "lstsq",
    f"torch.linalg.lstsq({DOMINANT}, {{1}}).solution",
    right_sides,
    solution,
    [SIDES],
)
algebra(
    "matrix_exp",
    # Backward takes views that other orders of dimensions do not have (pytorch#188402).
    "torch.linalg.matrix_exp({0}.contiguous())",
    lambda b: b.x,
    lambda b, f: math.exp(order(b)) + 1,
    left_out=dict.fromkeys(("float16", "bfloat16"), "of polynomials, whose terms eager rounds"),
    jax="jax.scipy.linalg.expm",
)
algebra("cond", f"torch.linalg.cond({APART})", numbers, lambda b, f: (0.0, 12.0 * order(b) ** 2))
algebra(
    "matrix_rank",
    f"torch.linalg.matrix_rank({DOMINANT})",
    lambda b: TensorType("int64", b.x.shape[:-2]),
    lambda b, f: float(order(b)),
    differentiable=False,
    saves="none",
    rounds=False,
)
algebra(
    "householder_product",
    f"(lambda a, tau: torch.linalg.householder_product(a, tau) @ a.triu())(*torch.geqrf({DOMINANT}))",
    lambda b: b.x,
    lambda b, f: 3.0 * order(b) + 1,
    # Of what geqrf gives there is no derivative.
    differentiable=False,
    stops_gradients=False,
)
algebra(
    "tensorinv",
    "torch.linalg.tensorinv((" + DOMINANT + ").unsqueeze(0), ind=2)",
    lambda b: b.x.with_shape((*b.x.shape[1:], 1, *b.x.shape[:1])),
    lambda b, f: 1.01,
    first=free("x", WIDE, (2,), accepts=is_square, make=lambda b, d: square_of_two(d), domain=ENTRIES),
)


def square_of_two(draw: Draw) -> TensorType:
    """One square matrix."""
    size = order_of(draw)
    return TensorType(draw.random.choice(WIDE), (size, size))


def normed(b: Binding, f: Any) -> Facts:
    """A norm of a matrix, away from zero."""
    checked_any(b)
    return Facts(0.0, f.x.high * largest(b.x.shape[-1]) * largest(b.x.shape[-2]) + 0.01)


def checked_any(b: Binding) -> None:
    """No empty matrix."""
    require(all(smallest(size) > 0 for size in b.x.shape), "the norm of nothing")


def norm_type(b: Binding) -> TensorType:
    """The last two dimensions go, or stay as ones."""
    rank = b.x.rank
    return b.x.with_shape(reduced(b.x.shape, (rank - 2, rank - 1), b.keepdim))  # type: ignore[no-any-return]


operator(
    "algebra.matrix_norm",
    operands=[free("x", FLOATS, MATRICES, domain=Interval(0.25, 8))],
    # Those of order 2 and the nuclear one are of singular values, which are no more different than the matrix is.
    attributes=[values("ord", "fro", boundary=(1, -1), other=(math.inf, -math.inf)), flag("keepdim")],
    infer=norm_type,
    facts=normed,
    torch="torch.linalg.matrix_norm",
    method=None,
    out=True,
    saves="both",
    rounds=True,
    jax="jnp.linalg.matrix_norm",
    tensorflow="tf.norm",
    error={},
)


def length(b: Binding) -> Size:
    """The size of the dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return size


def along(b: Binding, f: Any) -> Facts:
    """As many products."""
    most = f.x * f.y
    count = largest(length(b))
    return Facts(min(most.low * count, 0.0), max(most.high * count, 0.0), most.scale, most.magnitude * count)


DIMENSION = Attribute(
    "dim",
    lambda b: {"default": (-1,), "boundary": (0,), "other": tuple(range(1, b.x.rank - 1))},
    -1,
)
operator(
    "algebra.vecdot",
    operands=[
        free("x", FLOATS, RANKS[1:]),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape),
    ],
    attributes=[DIMENSION],
    infer=lambda b: b.x.with_shape(reduced(b.x.shape, (normal_dim(b.dim, b.x.rank),), False)),
    facts=along,
    torch="torch.linalg.vecdot",
    method=None,
    out=True,
    saves="inputs",
    jax="jnp.vecdot",
    error={},
)
operator(
    "algebra.cov",
    operands=[free("x", WIDE, (2,), domain=Interval(-8, 8))],
    attributes=[values("correction", 1, other=(0,))],
    infer=lambda b: b.x.with_shape((b.x.shape[0],) * 2),
    facts=lambda b, f: variances(b, f),
    torch="torch.cov",
    rounds=True,
    saves="both",
    left_out={f"rank {rank}": "one row, whose variance is `reduce.var`" for rank in (0, 1)},
    jax="jnp.cov",
    error={},
)


def variances(b: Binding, f: Any) -> Facts:
    """Products of deviations."""
    require(smallest(b.x.shape[0]) > 1, "of one row there is a number")
    require(smallest(b.x.shape[1]) > 2, "too few observations")
    most = (f.x.high - f.x.low) ** 2
    return Facts(-2 * most, 2 * most)
