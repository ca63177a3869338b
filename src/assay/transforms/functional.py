"""What the transforms of `torch.func` do not take, as the installed torch was found to have it.

The names come of `python -m assay.transforms.probe --samples 150`, which calls every operator under every transform;
a test calls each once more. An operator is here where it raises (a branch on data, no batching rule, random numbers) or
where, on exact values, it gives other bits: sums of products that a batch adds in another order end in another zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_VMAP = frozenset(
    {
        "alias.moveaxis",
        "chance.bernoulli",
        "chance.bernoulli_p",
        "chance.dropout",
        "chance.dropout1d",
        "chance.dropout2d",
        "chance.dropout3d",
        "chance.gumbel_softmax",
        "chance.multinomial",
        "chance.multinomial_all",
        "chance.native_dropout",
        "chance.normal",
        "chance.rand",
        "chance.rand_like",
        "chance.randint",
        "chance.randint_like",
        "chance.randn",
        "chance.randn_like",
        "chance.randperm",
        "chance.rrelu",
        "chance.shuffled",
        "complex.matmul",
        "contract.addbmm",
        "contract.chain_matmul",
        "contract.column_stack",
        "contract.inner",
        "determined.arange",
        "determined.mask",
        "determined.mask_twice",
        "determined.masked_select",
        "determined.narrowed",
        "determined.nonzero",
        "determined.nonzero_as_tuple",
        "determined.ones",
        "determined.sliced",
        "determined.sorted_runs",
        "determined.split",
        "determined.unique",
        "determined.unique_consecutive",
        "determined.unique_dim",
        "determined.unique_unsorted",
        "inset.as_strided_scatter",
        "inset.slice_scatter",
        "loss.nll_loss",
        "place.index_put_mask",
        "sort.topk",
        "ternary.addcdiv",
        "ternary.addcmul",
        "ternary.clamp",
    }
)
REFUSED: Mapping[str, frozenset[str]] = {
    "jvp": frozenset(
        {
            "activation.glu",
            "distance.cdist",
            "margin.binary_cross_entropy",
            "margin.soft_margin_loss",
            "matmul.scaled_dot_product_attention",
            "norm.batch_norm",
            "sampled.grid_sample",
            "scan.logcumsumexp",
            "special.i1",
            "special.i1e",
        }
    ),
    "vjp": frozenset(
        {
            "margin.binary_cross_entropy",
            "margin.soft_margin_loss",
            "norm.batch_norm",
            "norm.batch_norm_training",
        }
    ),
    "vmap": _VMAP,
    "vmap_of_vmap": _VMAP
    | {
        "contract.tril_indices",
        "contract.triu_indices",
        "create.arange",
        "create.eye",
        "determined.bincount",
        "index.advanced",
        "place.index_put_pairs",
        "place.index_put_pairs_accumulate",
        "scatter.index_put",
        "scatter.index_put_accumulate",
        "spectrum.fftfreq",
        "spectrum.rfftfreq",
        "subscript.mixed",
    },
}
PRODUCTS = frozenset({"matmul", "contract", "conv"})
"""Families that add products: the zero that they end in depends on how many rows are computed at once."""


def taken_by(way: str) -> Callable[[Any], bool]:
    """Whether a transform takes an operation, as `Needs.accepts` asks."""
    refused = REFUSED.get(way, frozenset())

    def accepts(told: Any) -> bool:
        if told.operator.name in refused:
            return False
        return not (way.startswith("vmap") and told.operator.family in PRODUCTS)

    return accepts
