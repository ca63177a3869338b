"""How aten writes what the specifications have: other names of operators and arguments, arguments that say nothing.

Only what differs stands here; an operator and an argument of the same name are found by their names. Whatever is
matched is held against the operator itself before it is used (`lift`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES: Mapping[str, tuple[str, ...]] = {
    "view": ("view.reshape",),
    "_unsafe_view": ("view.reshape",),
    "slice": ("part.slice",),
    "_to_copy": ("cast.to",),
    "to": ("cast.to",),
    "index": ("index.advanced",),
    "dropout": ("chance.dropout_none",),
    "constant_pad_nd": ("pad.constant",),
    "__and__": ("binary.bitwise_and",),
    "__or__": ("binary.bitwise_or",),
    "__xor__": ("binary.bitwise_xor",),
    "arange": ("create.arange",),
    "eye": ("create.eye",),
    "zeros": ("create.zeros_like",),
    "ones": ("create.ones_like",),
    "full": ("create.full_like",),
    "new_zeros": ("create.zeros_like",),
    "new_ones": ("create.ones_like",),
    "new_full": ("create.full_like",),
}
"""Specifications of operators of aten whose names tell another story."""

COUNTED = {"create.arange": ("end", {"start": 0, "step": 1}), "create.eye": ("n", {})}
"""Specifications that take the size of a tensor where aten has a number, by the name of that, with the arguments that
say nothing."""

FILLED = ("create.zeros_like", "create.ones_like", "create.full_like")
"""Specifications that take the shape of a tensor where aten may have sizes."""

ARGUMENTS = {
    "view.reshape": {"size": "shape"},
    "part.slice": {"end": "stop"},
    "index.embedding": {"weight": "x", "indices": "index"},
    "split.split": {"split_size": "split_size_or_sections"},
    "chance.dropout_none": {"train": "training"},
}
"""Arguments of aten by the names that a specification has for them."""

IDLE: Mapping[str, tuple[Any, ...]] = {
    "cudnn_enable": (True, False),
    "cudnn_enabled": (True, False),
    "implicit": (True, False),
    "non_blocking": (True, False),
    "copy": (False,),
    "sorted": (True,),
    "pin_memory": (None, False),
    "layout": ({"python": "torch.strided"}, None),
    "device": ({"python": "torch.device('cpu')"}, None),
    "memory_format": ({"python": "torch.contiguous_format"}, {"python": "torch.preserve_format"}, None),
}
"""Arguments that change nothing with these values, whatever the operator."""

IDLE_IN: Mapping[str, Mapping[str, tuple[Any, ...] | None]] = {
    "norm.batch_norm": {"training": (False,), "momentum": None},
    "pad.constant": {"mode": ("constant",)},
}
"""The same for one specification; None for any value."""

NOTHING = ("_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_constrain_range_for_size")
"""Operators that only check, and yield nothing."""
