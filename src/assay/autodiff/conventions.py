"""What maintainers have declared to be intended: derivatives that are not those of the function, by convention.

One table, each row with its reason and its source. A finding that a row explains is counted as unsupported under the
row's name, never reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from assay.apis.seeds import Call
from assay.ir.case import Case


@dataclass(frozen=True, slots=True)
class Convention:
    """``apis`` are globs of names, ``signature`` one of what the finding is, ``keyword`` an argument that the call has
    to give."""

    name: str
    apis: tuple[str, ...]
    signature: str
    reason: str
    source: str
    keyword: str = ""
    when: Callable[[Call], bool] | None = None


def repeats_an_index(call: Call) -> bool:
    """Whether a tensor of integers has a number twice within a channel."""
    for each in call["tensors"]:
        values, shape = each.get("values"), each["shape"]
        if "int" in each["dtype"] and values and len(shape) > 1:
            size = math.prod(shape[-2:]) if len(shape) > 2 else shape[-1]
            rows = [values[start : start + size] for start in range(0, len(values), size)]
            if any(len(set(row)) < len(row) for row in rows):
                return True
    return False


def repeats_a_row(call: Call) -> bool:
    """Whether a matrix of integers has a row twice."""
    for each in call["tensors"]:
        values, shape = each.get("values"), each["shape"]
        if "int" in each["dtype"] and values and len(shape) > 1:
            rows = [tuple(values[start : start + shape[-1]]) for start in range(0, len(values), shape[-1])]
            if len(set(rows)) < len(rows):
                return True
    return False


def has_crossed_bounds(call: Call) -> bool:
    """Whether the first tensor of floats has an element that is not below all of the last."""
    floats = [each.get("values") or [] for each in call["tensors"] if each["dtype"].startswith("float")]
    low, high = ([*map(float, floats[k])] if floats else [] for k in (0, -1))
    return bool(low and high) and max(low) >= min(high)


def is_told_yes(call: Call) -> bool:
    """Whether some argument is True."""
    given = (*call["args"], *call["kwargs"].values(), *call.get("init", {}).get("kwargs", {}).values())
    return any(each is True for each in given)


def has_equal_singular_values(call: Call) -> bool:
    """Whether a matrix has a singular value of zero, or one twice."""
    import numpy

    for each in call["tensors"]:
        values, shape = each.get("values"), each["shape"]
        if values and len(shape) > 1 and len(values) == math.prod(shape):
            held = numpy.array(
                [complex(*map(float, value)) if isinstance(value, list) else complex(value) for value in values]
            )
            found = numpy.linalg.svd(held.reshape(shape), compute_uv=False)
            least = 1e-6 * max(1.0, float(found.max(initial=0.0)))
            gaps = -numpy.diff(found, axis=-1, append=0.0)
            if (gaps < least).any():
                return True
    return False


GAMMA_DRAWN = ("ball", "beta", "chisquare", "dirichlet", "f", "gamma", "generalized_normal", "loggamma", "t")
"""What JAX draws by way of gamma distributions, whose derivatives are those of the distribution."""

CONVENTIONS: tuple[Convention, ...] = (
    Convention(
        "repeated indices",
        ("torch*.max_unpool*", "torch.nn.MaxUnpool*"),
        "gradient|first|value|*",
        "where an index is there twice, which of its values is taken is not determined",
        "torch documentation, torch.nn.MaxUnpool2d",
        when=repeats_an_index,
    ),
    Convention(
        "repeated rows of indices",
        ("tf.*tensor_scatter*", "tf.raw_ops.TensorScatter*", "tf.*scatter_nd*", "tf.raw_ops.ScatterNd*"),
        "gradient|*|value|*",
        "where an index is there twice, the order of the updates is not determined",
        "TensorFlow documentation, tf.tensor_scatter_nd_update",
        when=repeats_a_row,
    ),
    Convention(
        "crossed bounds",
        ("jax.lax.clamp", "jax.random.triangular", "jax.random.truncated_normal"),
        "gradient|*",
        "where the least allowed value is above the greatest, what is given is not determined",
        "JAX documentation, jax.lax.clamp, jax.random.triangular, jax.random.truncated_normal",
        when=has_crossed_bounds,
    ),
    Convention(
        "full rank",
        ("torch.lu", "torch.Tensor.lu", "torch.linalg.lu*", "torch.ops.aten.lu_unpack*"),
        "gradient|*|NaN|all ways|*",
        "the decomposition of a matrix of less than full rank is not differentiable",
        "torch documentation, torch.linalg.lu_factor",
    ),
    Convention(
        "singular values",
        ("torch*.svd", "torch.linalg.svd*", "jax*.svd", "tf.linalg.svd", "tf.raw_ops.Svd"),
        "gradient|*|NaN|*",
        "where a singular value is zero or there twice there is no derivative to be had",
        "torch documentation, torch.linalg.svd, warnings",
        when=has_equal_singular_values,
    ),
    Convention(
        "stopped",
        ("jax.lax.stop_gradient", "tf.stop_gradient", "tf.raw_ops.StopGradient", "tf.raw_ops.PreventGradient"),
        "gradient|*",
        "gradients are to stop there",
        "JAX documentation, jax.lax.stop_gradient; TensorFlow documentation, tf.stop_gradient",
    ),
    Convention(
        "padding_idx",
        ("torch.*embedding*", "torch.*Embedding*"),
        "gradient|first|*",
        "the row at padding_idx gets no gradient",
        "torch documentation, torch.nn.functional.embedding, padding_idx",
        "padding_idx",
    ),
    Convention(
        "scale_grad_by_freq",
        ("torch.*embedding*", "torch.*Embedding*"),
        "gradient|first|*",
        "gradients are divided by how often an index occurs",
        "torch documentation, torch.nn.functional.embedding, scale_grad_by_freq",
        "scale_grad_by_freq",
    ),
    Convention(
        "sparse gradients",
        ("torch*embedding*", "torch*Embedding*", "torch*gather*"),
        "shape|derivative|the layout of the gradient*",
        "gradients are sparse where they are asked to be",
        "torch documentation, torch.nn.functional.embedding, sparse; torch.gather, sparse_grad",
        when=is_told_yes,
    ),
    Convention(
        "max_norm",
        ("torch.*embedding*", "torch.*Embedding*"),
        "*",
        "rows of the weight are renormalised in place",
        "torch documentation, torch.nn.functional.embedding, max_norm",
        "max_norm",
    ),
    Convention(
        "samples",
        (
            "torch*.normal*",
            "torch*._standard_gamma*",
            "torch*._sample_dirichlet*",
            "torch*.poisson*",
            "torch*.bernoulli*",
            *(f"jax.random.{name}" for name in GAMMA_DRAWN),
            "tf.random.stateless_*",
            "tf.raw_ops.StatelessParameterizedTruncatedNormal",
            "tf.raw_ops.StatelessRandomGamma*",
        ),
        "gradient|*",
        "what is drawn is a constant, or differentiated by the distribution in place of the generator",
        "torch's tools/autograd/derivatives.yaml: normal, bernoulli and poisson are zeros, _standard_gamma implicit; "
        "JAX documentation, jax.lax.random_gamma_grad; TensorFlow documentation, tf.random.stateless_gamma",
    ),
    Convention(
        "straight through",
        (
            "torch*fake_quantize*",
            "torch*fused_moving_avg_obs_fake_quant*",
            "tf.quantization.*quant*",
            "tf.raw_ops.FakeQuant*",
            "tf.raw_ops.QuantizeAndDequantize*",
        ),
        "gradient|*",
        "quantisation is differentiated as if it were the identity within its range",
        "torch documentation, torch.fake_quantize_per_tensor_affine; TensorFlow documentation, "
        "tf.quantization.quantize_and_dequantize_v2; Bengio et al., 2013, arXiv 1308.3432",
    ),
    Convention(
        "sums of 32 bits",
        ("tf.raw_ops.CTCLoss*", "tf.nn.ctc_loss*"),
        "gradient|*",
        "the loss of inputs of 64 bits has steps of 2.4e-8, so that it has no slope to be held against",
        "seen in TensorFlow 2.21: tf.raw_ops.CTCLoss at inputs 1e-8 apart",
    ),
    Convention(
        "deviation of constants",
        ("jax.numpy.std", "jax.numpy.nanstd"),
        "gradient|*|NaN|all ways|sqrt",
        "the square root of a variance of zero has no derivative, though the variance be zero whatever the number is",
        "jax-ml/jax#11716",
    ),
    Convention(
        "halves at ties",
        ("jax.*",),
        "gradient|second|value|all ways|m[ai][nx]",
        "at a tie each of two numbers has half of the derivative, of whichever order, though they be one number",
        "JAX source, jax/_src/lax/lax.py: the rules of min and max by _balanced_eq",
    ),
    Convention(
        "running statistics",
        ("torch.*batch_norm*", "torch.*instance_norm*", "torch.*BatchNorm*", "torch.*InstanceNorm*"),
        "mutation|*",
        "running statistics are updated where they are given",
        "torch documentation, torch.nn.BatchNorm1d, track_running_stats",
    ),
)


def convention_of(case: Case, signature: str) -> Convention | None:
    """The row that explains a finding."""
    call = case.recipe.get("call") or {}
    given = {*call.get("kwargs", {}), *call.get("init", {}).get("kwargs", {})}
    for row in CONVENTIONS:
        names = any(fnmatchcase(name, glob) for name in case.operators for glob in row.apis)
        if not names or not fnmatchcase(signature, row.signature) or (row.keyword and row.keyword not in given):
            continue
        if row.when is None or (call and row.when(call)):
            return row
    return None
