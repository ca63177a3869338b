"""Operations that are evaluated as they stand, but in the next wider type: continuous functions of all their
floating-point operands, of whose sums no order is promised."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.graphs import NARROW, dtype_of, operands, wider, words
from benchmarks.controls.reductions import Function

OPERATORS = words(
    "convolution_backward avg_pool1d avg_pool2d avg_pool3d avg_pool2d_backward avg_pool3d_backward "
    "_adaptive_avg_pool2d _adaptive_avg_pool3d _adaptive_avg_pool2d_backward native_layer_norm "
    "native_layer_norm_backward native_group_norm native_group_norm_backward native_batch_norm "
    "native_batch_norm_backward _native_batch_norm_legit _native_batch_norm_legit_functional "
    "_native_batch_norm_legit_no_training _fused_rms_norm _fused_rms_norm_backward _softmax _safe_softmax "
    "_log_softmax _softmax_backward_data _log_softmax_backward_data mse_loss mse_loss_backward huber_loss "
    "huber_loss_backward smooth_l1_loss smooth_l1_loss_backward binary_cross_entropy_with_logits nll_loss_forward "
    "nll_loss_backward nll_loss2d_forward nll_loss2d_backward upsample_linear1d upsample_bilinear2d "
    "upsample_bicubic2d upsample_trilinear3d linalg_vector_norm logcumsumexp logsumexp var std sum mean prod cumsum "
    "cumprod mm bmm mv dot addmm baddbmm convolution scatter_add index_add embedding_dense_backward "
    "log_sigmoid_forward log_sigmoid_backward glu glu_backward im2col col2im"
)
"""Of pooling and resizing only what weighs: which element is the largest, or the nearest, may jump."""


def another(name: str, node: Node) -> Function | None:
    """The operation in a wider type; None where that is not known to be the same function."""
    if name.partition(".")[0] not in OPERATORS or node.kwargs.get("dtype") is not None:
        return None
    given = {dtype_of(each) for each in operands([node.args, *node.kwargs.values()])}
    types = {dtype for dtype in given if dtype is not None and dtype.is_floating_point}
    if not types or torch.float64 in types:
        return None
    wide = torch.float64 if torch.float32 in types else wider(next(iter(types)))
    target: Any = node.target

    def widened(value: Any) -> Any:
        if isinstance(value, torch.dtype):
            return wide
        if isinstance(value, torch.Tensor) and (value.dtype in NARROW or value.dtype == torch.float32):
            return value.to(wide)
        return value

    def function(*args: Any, **kwargs: Any) -> Any:
        return target(*map(widened, args), **{name: widened(value) for name, value in kwargs.items()})

    return function
