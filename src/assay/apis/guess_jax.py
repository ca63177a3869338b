"""Calls of JAX functions to try where nothing documents one: by a function's name, or by its signature.

It is imported from beside by `probe_jax`. A call is a text, the arguments in parentheses, that uses the short names of
`seed_json.Helpers`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

TRIES = 40
UFUNC_METHODS = {
    "reduce": ["(F(2, 3),)", "(F(3),)"],
    "accumulate": ["(F(3),)", "(F(2, 3),)"],
    "outer": ["(F(2), F(3))"],
    "at": ["(F(3), I(0, 2), F(2), inplace=False)", "(F(3), I(0, 2), inplace=False)"],
    "reduceat": ["(F(6), I(0, 2, 5))"],
}

# What a parameter of this name takes where it is not an array of floats; texts for the helpers below.
NAMED: dict[str, list[str]] = {
    "key": ["K()"],
    "axis": ["0", "-1"],
    "axes": ["(0,)", "0"],
    "dimension": ["0"],
    "dimensions": ["(0,)", "(1,)"],
    "permutation": ["(1, 0)", "(0,)"],
    "new_dtype": ["X('jax.numpy.float32')"],
    "dtype": ["X('jax.numpy.float64')"],
    "index_dtype": ["X('jax.numpy.int32')"],
    "shape": ["(3,)", "(2, 3)"],
    "exponent_bits": ["5"],
    "mantissa_bits": ["7"],
    "rank": ["3"],
    "sizes": ["(1, 2)"],
    "segment_ids": ["I(0, 1, 1)"],
    "pred": ["B(True, False, True)"],
    "which": ["I(0, 1, 1)"],
    "method": ["'linear'"],
    "fft_type": ["'fft'"],
    "fft_lengths": ["(3,)"],
    "cov": ["P(3)"],
    "v": ["2"],
}
ANNOTATED: list[tuple[str, list[str]]] = [
    ("Callable", []),
    ("DType", ["X('jax.numpy.float32')"]),
    ("Sequence[int]", ["(0,)", "(1, 1)"]),
    ("IntegerArray", ["I(0, 1, 1)"]),
    ("Array", ["F"]),
    ("bool", ["False"]),
    ("int", ["2", "3", "1", "0"]),
    ("str", ["'same'"]),
]
SHAPES: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    0: [()],
    1: [((3,),), ((),), ((2, 3),), ((3, 3),), ((2, 3, 4),), ((2, 2, 2, 2),)],
    2: [
        ((3,), (3,)),
        ((), ()),
        ((2, 3), (3,)),
        ((3, 3), (3, 3)),
        ((3, 3), (3,)),
        ((2, 1), (3,)),
        ((2, 2, 3), (2, 3, 2)),
    ],
    3: [((3,), (3,), (3,)), ((), (), ()), ((2, 3), (3,), ()), ((3, 3),) * 3, ((1, 2, 1, 3),) * 3],
    4: [((3,),) * 4, ((),) * 4, ((2, 3), (3,), (3,), (3,)), ((3,), (3,), (3,), (3, 2))],
    5: [((3,),) * 5, ((2, 3),) + ((3,),) * 4],
}
SCATTER = (
    "X('jax.lax.ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), "
    "scatter_dims_to_operand_dims=(0,))')"
)
SCATTERED = [f"(F(4), IM([[0], [2]]), F(2), {SCATTER})", f"(F(4), IM([[1], [1], [3]]), F(3), {SCATTER})"]
RAGGED = (
    "X('jax.lax.RaggedDotDimensionNumbers(dot_dimension_numbers=(((1,), (1,)), ((), ())), "
    "lhs_ragged_dimensions=(0,), rhs_group_dimensions=(0,))')"
)
CONVOLVED = [
    "(F(1, 2, 5), F(3, 2, 2), (2,), 'VALID')",
    "(F(1, 2, 4, 4), F(3, 2, 2, 2), (1, 1), 'SAME')",
    "(F(2, 2, 3, 3), F(2, 2, 2, 2), (1, 1), 'VALID')",
]
STEP = "X('lambda c, x: (c * x, c + x)')"

# Calls whose arguments depend on each other, or that take a function.
GIVEN: dict[str, list[str]] = {
    "jax.lax.dot_general": [
        "(F(2, 3), F(3, 4), (((1,), (0,)), ((), ())))",
        "(F(2, 2, 3), F(2, 3, 2), (((2,), (1,)), ((0,), (0,))))",
    ],
    "jax.lax.ragged_dot": ["(F(4, 3), F(2, 3, 2), I(1, 3))", "(F(4, 3), F(2, 3, 2), I(4, 0))"],
    "jax.lax.ragged_dot_general": [f"(F(4, 3), F(2, 3, 2), I(1, 3), {RAGGED})"],
    "jax.lax.conv": CONVOLVED,
    "jax.lax.conv_general_dilated": [
        *CONVOLVED,
        "(F(1, 4, 3, 3), F(4, 2, 2, 2), (1, 1), 'VALID', feature_group_count=2)",
        "(F(1, 1, 5), F(1, 1, 2), (1,), ((1, 1),), lhs_dilation=(2,), rhs_dilation=(2,))",
        "(F(2, 1, 4), F(2, 1, 2), (1,), 'VALID', batch_group_count=2)",
    ],
    "jax.lax.conv_with_general_padding": ["(F(1, 2, 5), F(3, 2, 2), (2,), ((1, 0),), None, None)"],
    "jax.lax.conv_transpose": [
        "(F(1, 3, 2), F(2, 2, 3), (2,), 'SAME')",
        "(F(1, 2, 2, 2), F(2, 2, 2, 3), (1, 1), 'VALID')",
    ],
    "jax.lax.conv_general_dilated_patches": ["(F(1, 2, 4, 4), (2, 2), (1, 1), 'VALID')"],
    "jax.lax.conv_general_dilated_local": ["(F(1, 2, 4), F(3, 4, 3), (1,), 'VALID', (2,))"],
    "jax.lax.gather": [
        "(F(4), IM([[0], [2]]), X('jax.lax.GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0,), "
        "start_index_map=(0,))'), (1,))",
        "(F(3, 4), IM([[1], [1]]), X('jax.lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), "
        "start_index_map=(0,))'), (1, 4), mode=X('jax.lax.GatherScatterMode.CLIP'))",
    ],
    **{f"jax.lax.scatter{suffix}": SCATTERED for suffix in ("", "_add", "_sub", "_mul", "_min", "_max")},
    "jax.lax.scatter_mul": [f"(F(4), IM([[0], [2]]), F(2), {SCATTER}, unique_indices=True)"],
    "jax.ops.segment_prod": ["(F(3), I(0, 2, 1), unique_indices=True)"],
    "jax.lax.scatter_apply": [f"(F(4), IM([[0], [2]]), X('jax.numpy.sin'), {SCATTER}, update_shape=(2,))"],
    "jax.lax.scan": [
        f"({STEP}, F(), F(4))",
        f"({STEP}, F(2), F(3, 2), reverse=True)",
        f"({STEP}, F(2), F(4, 2), unroll=2)",
    ],
    "jax.lax.map": ["(X('jax.numpy.sin'), F(4))", "(X('lambda x: jax.numpy.dot(x, x)'), F(4, 3), batch_size=2)"],
    "jax.lax.cond": [
        "(B0(True), X('jax.numpy.sin'), X('jax.numpy.cos'), F(3))",
        "(B0(False), X('jax.numpy.sin'), X('jax.numpy.cos'), F(3))",
    ],
    "jax.lax.switch": ["(I0(1), [X('jax.numpy.sin'), X('jax.numpy.cos'), X('jax.numpy.tanh')], F(3))"],
    "jax.lax.while_loop": ["(X('lambda c: c[0] < 3'), X('lambda c: (c[0] + 1, jax.numpy.sin(c[1]))'), (0, F(3)))"],
    "jax.lax.fori_loop": ["(0, 3, X('lambda i, x: x * jax.numpy.sin(x)'), F(3))"],
    "jax.lax.associative_scan": ["(X('jax.numpy.multiply'), F(5))", "(X('jax.numpy.add'), F(4, 2), reverse=True)"],
    "jax.lax.custom_linear_solve": [
        "(X('lambda x: 2 * x'), F(3), X('lambda matvec, b: b / 2'), X('lambda vecmat, b: b / 2'))",
    ],
    "jax.lax.custom_root": [
        "(X('lambda x: x ** 3 - 2'), F(), X('lambda f, x: 2 ** (1 / 3) + 0 * x'), X('lambda g, y: y / g(1.0)'))",
    ],
    "jax.lax.reduce": [
        "(F(2, 3), 0.0, X('jax.lax.add'), (0,))",
        "(F(2, 3), 1.0, X('jax.lax.mul'), (1,))",
        "(F(2, 3), X('-jax.numpy.inf'), X('jax.lax.max'), (1,))",
        # What is no primitive has to be associative as well (JAX's documentation of reduce).
        "(F(3), 1.0, X('lambda x, y: x * y'), (0,))",
    ],
    "jax.lax.reduce_window": [
        "(F(2, 4), 0.0, X('jax.lax.add'), (1, 2), (1, 1), 'VALID')",
        "(F(5), X('-jax.numpy.inf'), X('jax.lax.max'), (2,), (2,), 'SAME')",
        "(F(5), X('jax.numpy.inf'), X('jax.lax.min'), (3,), (1,), 'VALID')",
        "(F(5), 1.0, X('jax.lax.mul'), (2,), (1,), 'VALID')",
    ],
    "jax.lax.platform_dependent": ["(F(3), cpu=X('jax.numpy.sin'), default=X('jax.numpy.cos'))"],
    "jax.lax.fft": ["(C(4), 'fft', (4,))", "(C(2, 3), 'ifft', (3,))", "(F(4), 'rfft', (4,))", "(C(3), 'irfft', (4,))"],
    "jax.lax.index_take": ["(F(4), [I(0, 2)], (0,))", "(F(3, 4), [I(0, 2), I(1, 1)], (0, 1))"],
    "jax.lax.collapse": ["(F(2, 3), 0)", "(F(2, 3, 2), 0, 2)"],
    "jax.lax.concatenate": ["([F(2), F(3)], 0)", "([F(2, 1), F(2, 3)], 1)"],
    "jax.lax.select_n": ["(B(True, False, True), F(3), F(3))", "(I32(0, 2, 1), F(3), F(3), F(3))"],
    "jax.lax.bitcast_convert_type": ["(F(3), X('jax.numpy.float32'))"],
    "jax.lax.linalg.householder_product": ["(F(3, 2), F(2))", "(F(3, 3), F(3))"],
    "jax.lax.linalg.symmetric_product": ["(F(3, 2), P(3))"],
    "jax.lax.linalg.tridiagonal_solve": ["(F(3), F(3), F(3), F(3, 2))", "(F(2, 3), F(2, 3), F(2, 3), F(2, 3, 1))"],
    "jax.lax.linalg.eigh": ["(P(3),)", "(P(2),)"],
    "jax.numpy.piecewise": ["(F(3), [B(True, False, True)], [X('jax.numpy.sin'), X('jax.numpy.cos')])"],
    "jax.numpy.apply_along_axis": ["(X('jax.numpy.cumsum'), 0, F(2, 3))", "(X('jax.numpy.sum'), 1, F(2, 3))"],
    "jax.numpy.apply_over_axes": ["(X('jax.numpy.sum'), F(2, 3), (0, 1))"],
    "jax.image.resize": [
        "(F(3, 3), (5, 4), 'linear')",
        "(F(2, 3), (4, 4), 'cubic')",
        "(F(4), (2,), 'lanczos3')",
        "(F(3), (5,), 'nearest')",
    ],
    "jax.image.scale_and_translate": [
        "(F(3, 3), (4, 4), (0, 1), F(2), F(2), 'linear')",
        "(F(3), (4,), (0,), F(1), F(1), 'cubic')",
    ],
    "jax.scipy.special.sph_harm_y": ["(I(1), I(0), F(1), F(1))", "(I(2, 1), I(1, 1), F(2), F(2))"],
    "jax.scipy.special.multigammaln": ["(F(3), 1)", "(F(), 1)"],
    "jax.scipy.special.expn": ["(I0(2), F(3))", "(I0(1), F())"],
    "jax.lax.dynamic_slice": ["(F(4), [I0(1)], (2,))", "(F(3, 4), [I0(0), I0(2)], (2, 2))"],
    "jax.lax.dynamic_slice_in_dim": ["(F(4), I0(1), 2)"],
    "jax.lax.dynamic_index_in_dim": ["(F(4), I0(1))", "(F(2, 3), I0(1), 1, False)"],
    "jax.lax.dynamic_update_slice": ["(F(4), F(2), [I0(1)])", "(F(3, 4), F(2, 2), [I0(0), I0(2)])"],
    "jax.lax.dynamic_update_slice_in_dim": ["(F(4), F(2), I0(1), 0)"],
    "jax.lax.dynamic_update_index_in_dim": ["(F(4), F(1), I0(1), 0)"],
    "jax.lax.pad": ["(F(3), F(), ((1, 2, 0),))", "(F(2, 3), F(), ((0, 1, 1), (-1, 0, 0)))"],
    "jax.lax.reshape": ["(F(2, 3), (3, 2))", "(F(6), (2, 3))"],
    "jax.lax.squeeze": ["(F(1, 3), (0,))"],
    "jax.lax.real": ["(C(3))", "(C())"],
    "jax.lax.imag": ["(C(3))", "(C())"],
    "jax.scipy.sparse.linalg.cg": ["(P(3), F(3))", "(P(2), F(2), maxiter=8)"],
    "jax.lax.linalg.cholesky_update": ["(P(3), F(3))"],
    "jax.lax.linalg.eig": ["(P(3), compute_left_eigenvectors=False, compute_right_eigenvectors=False)"],
    "jax.nn.dot_product_attention": [
        "(F(1, 2, 1, 3), F(1, 2, 1, 3), F(1, 2, 1, 3))",
        "(F(2, 3, 2, 2), F(2, 3, 2, 2), F(2, 3, 2, 2), is_causal=True)",
    ],
    "jax.scipy.special.betainc": ["(0.5, 1.5, F(3))"],
    "jax.lax.betainc": ["(X('jax.numpy.array(0.5)'), X('jax.numpy.array(1.5)'), F())"],
    "jax.scipy.special.polygamma": ["(I0(1), F(3))", "(I(0, 2, 1), F(3))"],
    "jax.lax.polygamma": ["(X('jax.numpy.array(1.0)'), F())"],
    "jax.scipy.special.zeta": ["(2.0, F(3))"],
    **{f"jax.scipy.stats.beta.{each}": ["(F(3), 0.5, 1.5)"] for each in ("cdf", "logcdf", "logsf", "sf")},
    "jax.scipy.stats.multinomial.logpmf": ["(I(1, 2), I0(3), F(2))"],
    "jax.scipy.stats.multinomial.pmf": ["(I(1, 2), I0(3), F(2))"],
    "jax.random.multinomial": ["(K(), F(), F(3))"],
    # Bounds in order: with others the result is nothing that anybody means.
    "jax.random.triangular": ["(K(), FM(0.2), FM(0.5), FM(0.9))", "(K(), FM([0.1, 0.3]), FM([0.4, 0.6]), FM(0.8))"],
    "jax.random.truncated_normal": ["(K(), FM(-0.4), FM(0.8))", "(K(), FM([-1.2, 0.3]), FM([0.5, 0.9]))"],
    "jax.lax.clamp": ["(FM(0.2), F(3), FM(0.7))", "(FM([0.2, 0.3]), F(2), FM([0.6, 0.7]))"],
}  # fmt: skip


def by_signature(function: Callable[..., Any]) -> Iterator[str]:
    """Texts of calls: every required parameter, then also the optional ones that take an array."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = [inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)]
    parameters = [each for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD]
    required = [each for each in parameters if each.default is inspect.Parameter.empty]
    pools = {each.name: pool(each) for each in parameters}
    also = [each for each in parameters if each in required or ("F" in pools[each.name] and each.default is not None)]
    tried = []
    for chosen in [required] + [also] * (len(also) > len(required)):
        number = sum(pools[each.name] == ["F"] for each in chosen)
        rest = [pools[each.name] if pools[each.name] != ["F"] else [None] for each in chosen]
        texts = []
        for shapes in SHAPES.get(number, []):
            for values in itertools.product(*rest):
                remaining = iter(shapes)
                parts = []
                for each, value in zip(chosen, values, strict=True):
                    text = f"F{next(remaining)}".replace(",)", ")") if value is None else value
                    parts.append(
                        f"{each.name}={text}"
                        if each.kind is inspect.Parameter.KEYWORD_ONLY or each not in required
                        else text
                    )
                texts.append(f"({', '.join(parts)})")
        tried += texts[:TRIES]
    yield from tried


def pool(parameter: inspect.Parameter) -> list[str]:
    if parameter.name in NAMED:
        return NAMED[parameter.name]
    annotation = str(parameter.annotation) if parameter.annotation is not inspect.Parameter.empty else "Array"
    return next((values for part, values in ANNOTATED if part in annotation), ["F"])
