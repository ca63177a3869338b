"""Fourier transforms of real and complex tensors, of one, two and several dimensions, with every norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

from assay.ir.sizes import Size, is_symbolic, largest, smallest
from assay.ir.types import ANY, COMPLEXES, RANKS, Dtype, TensorType, is_complex, part_of
from assay.ops.attributes import Classes, choice, dim, values
from assay.ops.errors import moves, rounded
from assay.ops.facts import Facts, require
from assay.ops.families.complexes import whole_of
from assay.ops.operands import free
from assay.ops.promotion import to_float
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import normal_dim, replaced

# 16-bit types have no kernels.
EVERY = tuple(dtype for dtype in ANY if dtype not in ("float16", "bfloat16"))
REAL = tuple(dtype for dtype in EVERY if dtype not in COMPLEXES)
NORM = choice("norm", None, "forward", "backward", "ortho")


def complex_of(dtype: str) -> str:
    """The complex dtype of a transform."""
    return dtype if is_complex(dtype) else whole_of(to_float(dtype))


def lengths(b: Binding) -> Classes:
    """How long the signal is taken: cut, or filled with zeros."""
    return {"default": (None,), "boundary": (1, 2), "other": (3, 5, 8)}


def along(b: Binding) -> Size:
    """The length of the signal."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return size


def spread(b: Binding, f: Any, count: Size) -> Facts:
    """As many terms of either part."""
    most = 2.0 * f.x.magnitude * max(largest(count), 1)
    return Facts(-most, most)


def transformed(name: str, b: Binding) -> TensorType:
    """The type of a transform along one dimension."""
    size = along(b)
    require(smallest(size) > 0 and smallest(b.x.elements) > 0, "the transform of nothing")
    real_out = name in ("irfft", "hfft")
    if b.n is None:
        result: Size = 2 * (size - 1) if real_out else size // 2 + 1 if name in ("rfft", "ihfft") else size
    else:
        result = b.n if real_out or name in ("fft", "ifft") else b.n // 2 + 1
    require(smallest(result) > 0, "the transform of nothing")
    dtype = complex_of(b.x.dtype)
    return TensorType(part_of(dtype) if real_out else dtype, replaced(b.x.shape, normal_dim(b.dim, b.x.rank), result))


def around_zero(found: Facts) -> Facts:
    """Hardly any operand has frequencies of one sign alone; what is real has an imaginary part of zero somewhere."""
    return replace(found, holds=0.0)


def taken(b: Binding) -> Size:
    """How many elements are added up at most."""
    size = 2 * along(b)
    return size if b.n is None else b.n


for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    operator(
        f"spectrum.{name}",
        operands=[free("x", REAL if name in ("rfft", "ihfft") else EVERY, RANKS[1:])],
        attributes=[Attribute("n", lengths, None), dim(default=-1), NORM],
        infer=partial(transformed, name),
        facts=lambda b, f: around_zero(spread(b, f, taken(b))),
        torch=f"torch.fft.{name}",
        out=True,
        # A real operand is kept.
        saves="inputs",
        rounds=True,
        left_out={"float16": "there is no kernel but for powers of two", "bfloat16": "there is no kernel"},
        jax=f"jnp.fft.{name}",
        tensorflow=f"tf.signal.{name}" if "h" not in name else None,
        # What they share stands in `ops/framework.py`.
        error={},
    )


def planes(b: Binding) -> Classes:
    """Two dimensions in either order, from either end."""
    rank = b.x.rank
    return {
        "default": ((-2, -1),),
        "boundary": ((0, 1),),
        "negative": ((-1, -2),),
        "other": tuple(combinations(range(rank), 2))[:6],
    }


def some(b: Binding) -> Classes:
    """All dimensions, one, or two."""
    rank = b.x.rank
    return {
        "default": (None,),
        "boundary": ((0,), (rank - 1,)),
        "negative": ((-1,),),
        "other": tuple(combinations(range(rank), 2))[:6],
    }


def over(b: Binding) -> tuple[int, ...]:
    """The dimensions, the last one last."""
    given = range(b.x.rank) if b.dim is None else b.dim
    return tuple(normal_dim(d, b.x.rank) for d in given)


def transformed_over(name: str, b: Binding) -> TensorType:
    """The type of a transform along several dimensions: the last one is halved, or completed."""
    found = over(b)
    require(all(smallest(size) > 0 for size in b.x.shape), "the transform of nothing")
    dtype, shape, last = complex_of(b.x.dtype), b.x.shape, found[-1]
    if name.startswith("r"):
        shape = replaced(shape, last, shape[last] // 2 + 1)
    elif name.startswith(("ir", "hf")):
        shape = replaced(shape, last, 2 * (shape[last] - 1))
        dtype = part_of(dtype)
    elif name.startswith("ihf"):
        shape = replaced(shape, last, shape[last] // 2 + 1)
    require(all(smallest(size) > 0 for size in shape), "the transform of nothing")
    return TensorType(dtype, shape)


def terms(b: Binding) -> int:
    """How many elements are added up at most."""
    return math.prod(2 * largest(b.x.shape[d]) for d in over(b))


for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    for suffix, attribute in (("2", Attribute("dim", planes, (-2, -1))), ("n", Attribute("dim", some, None))):
        operator(
            f"spectrum.{name}{suffix}",
            operands=[free("x", REAL if name in ("rfft", "ihfft") else EVERY, RANKS[2 if suffix == "2" else 1 :])],
            attributes=[attribute, NORM],
            infer=partial(transformed_over, name),
            facts=lambda b, f: around_zero(spread(b, f, terms(b))),
            torch=f"torch.fft.{name}{suffix}",
            # Of one dimension ihfftn leaves out= unwritten (bugs/ihfftn-out).
            out=name + suffix != "ihfftn",
            saves="inputs",
            rounds=True,
            left_out={
                "float16": "there is no kernel but for powers of two",
                "bfloat16": "there is no kernel",
                "rank 0": "the transform of a number is the number",
            },
            jax=f"jnp.fft.{name}{suffix}" if "h" not in name else None,
            error={},
        )
for name in ("fftshift", "ifftshift"):
    operator(
        f"spectrum.{name}",
        operands=[free("x", ANY, RANKS[1:])],
        attributes=[Attribute("dim", some, None)],
        infer=lambda b: b.x,
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        torch=f"torch.fft.{name}",
        saves="none",
        jax=f"jnp.fft.{name}",
        tensorflow=f"tf.signal.{name}",
        error={"roll": moves()},
    )


def frequencies(name: str, b: Binding) -> TensorType:
    """As many as there are, or half and one."""
    size = b.x.shape[0]
    require(smallest(size) > 0, "no frequency")
    return TensorType("float32" if b.dtype is None else b.dtype.name, (size if name == "fftfreq" else size // 2 + 1,))


def frequencies_text(name: str, operands: Sequence[str], attributes: Any) -> str:
    """Of the first size of the operand."""
    tail = "" if attributes["dtype"] is None else f", dtype=torch.{attributes['dtype'].name}"
    return f"torch.fft.{name}({operands[0]}.shape[0], {attributes['d']}{tail})"


for name in ("fftfreq", "rfftfreq"):
    operator(
        f"spectrum.{name}",
        operands=[free("x", ANY, RANKS[1:])],
        attributes=[values("d", 1.0, other=(0.5, 2.0)), values("dtype", None, other=(Dtype("float64"),))],
        infer=partial(frequencies, name),
        facts=lambda b, f: Facts(-1.0, 1.0, holds=0.0),
        torch=f"torch.fft.{name}",
        method=None,
        render=partial(frequencies_text, name),
        differentiable=False,
        saves="none",
        jax=f"jnp.fft.{name}",
        error={f"fft_{name}": rounded(4.0)},
    )


def frames(b: Binding) -> TensorType:
    """[..., frequencies, frames]."""
    length, n, hop = b.x.shape[-1], b.n_fft, b.hop_length
    require(not is_symbolic(length) and all(smallest(size) > 0 for size in b.x.shape), "a length that is symbolic")
    require(length > n // 2, "padding reflects more than there is")
    padded = length + 2 * (n // 2) if b.center else length
    require(padded >= n, "no frame")
    bins = n // 2 + 1 if b.onesided and not is_complex(b.x.dtype) else n
    require(not (b.onesided and is_complex(b.x.dtype)), "half a spectrum of complex numbers")
    return TensorType(complex_of(b.x.dtype), (*b.x.shape[:-1], bins, (padded - n) // hop + 1))


def short_time(operands: Any, attributes: Any) -> str:
    """With a window, or without."""
    given = {name: value for name, value in attributes.items() if name not in ("n_fft", "window")}
    window = f"torch.{attributes['window']}({attributes['n_fft']}, dtype={operands[0]}.real.dtype)"
    rest = ", ".join(f"{name}={value!r}" for name, value in given.items())
    return f"torch.stft({operands[0]}, {attributes['n_fft']}, window={window}, {rest}, return_complex=True)"


operator(
    "spectrum.stft",
    operands=[free("x", ("float32", "float64", *COMPLEXES), (1, 2))],
    attributes=[
        values("n_fft", boundary=(2,), other=(4, 5)),
        values("hop_length", boundary=(1,), other=(2, 3)),
        values("window", "ones", other=("hann_window", "hamming_window")),
        values("center", other=(True, False)),
        values("normalized", other=(True, False)),
        Attribute("onesided", lambda b: {"other": (True, False) if not is_complex(b.x.dtype) else (False,)}),
        values("pad_mode", other=("reflect", "constant")),
    ],
    infer=frames,
    facts=lambda b, f: spread(b, f, b.n_fft),
    torch="torch.stft",
    method=None,
    render=short_time,
    saves="both",
    left_out={"rank 0": "a signal of one number"},
    tensorflow="tf.signal.stft",
    error={"hann_window": rounded(8.0), "hamming_window": rounded(8.0)},
)


def there_and_back(operands: Any, attributes: Any) -> str:
    """The inverse of what it gives, of the same length."""
    n, hop = attributes["n_fft"], attributes["hop_length"]
    window = f"torch.ones({n}, dtype={operands[0]}.dtype)"
    there = f"torch.stft({operands[0]}, {n}, {hop}, window={window}, return_complex=True)"
    return f"torch.istft({there}, {n}, {hop}, window={window}, length={operands[0]}.shape[-1])"


def same_signal(b: Binding) -> TensorType:
    """Long enough to be reflected."""
    length = b.x.shape[-1]
    require(not is_symbolic(length) and all(smallest(size) > 0 for size in b.x.shape), "a length that is symbolic")
    require(length > b.n_fft // 2, "padding reflects more than there is")
    # What the last frame does not reach is not known again.
    require(length % b.hop_length == 0, "an end that no frame reaches")
    return b.x  # type: ignore[no-any-return]


operator(
    "spectrum.istft",
    operands=[free("x", ("float32", "float64"), (1, 2))],
    attributes=[values("n_fft", boundary=(2,), other=(4, 6)), values("hop_length", boundary=(1,), other=(2,))],
    infer=same_signal,
    facts=lambda b, f: Facts(f.x.low - 0.01, f.x.high + 0.01),
    torch="torch.istft",
    method=None,
    render=there_and_back,
    saves="both",
    tensorflow="tf.signal.inverse_stft",
    error={},
)
