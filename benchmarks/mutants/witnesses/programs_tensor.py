"""Witnesses for decompositions, lowerings, scheduling, C++ code: tensor programs of the usual kinds."""

from __future__ import annotations

import torch
from torch import rand, randn
from torch.nn import functional as F

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(4, 5),))
def relu(x):
    return x.relu()


@witness(lambda: (randn(4, 5), randn(4, 5)))
def add(x, y):
    return x + y


@witness(lambda: (randn(4, 5), randn(4, 5)), training=True)
def multiply_and_sum(x, y):
    return (x * y).sum()


@witness(lambda: (randn(4, 1, 5), randn(3, 1), randn(5)), training=True)
def broadcasting(x, y, z):
    return x * y + z, (x - z).sum(1, keepdim=True)


@witness(lambda: (randn(37, 19),), training=True)
def pointwise_chain(x):
    y = (x * 2 + 1).sin().exp()
    return y / (1 + x.abs()), torch.sigmoid(y) * torch.tanh(x), torch.addcmul(x, y, y, value=0.5)


@witness(lambda: (randn(6, 40),), training=True)
def reductions(x):
    return x.sum(1), x.mean(0), x.amax(1), x.var(1), x.std(0, correction=0), x.prod(1), x.norm(dim=1), x.logsumexp(0)


@witness(lambda: (randn(6, 40),))
def more_reductions(x):
    return (
        x.argmax(1),
        x.argmin(),
        (x > 0).any(1),
        (x > -3).all(),
        x.min(0),
        x.sum(),
        x.count_nonzero(1),
        x.median(1),
        x.aminmax(dim=1),
    )


@witness(lambda: (randn(3, 17, 5),))
def inner_and_outer_reductions(x):
    return x.sum((0, 2)), x.sum(1), x.mean((0, 1, 2)), x.amax((1, 2)), x.sum(-1, keepdim=True) * x


@witness(lambda: (randn(5, 33),), training=True)
def softmaxes(x):
    return x.softmax(1), x.log_softmax(0), F.softmin(x, 1), F.normalize(x, dim=1)


@witness(lambda: (randn(8, 300),))
def fused_reductions(x):
    m = x.mean(1, keepdim=True)
    v = ((x - m) ** 2).mean(1, keepdim=True)
    return (x - m) * torch.rsqrt(v + 1e-5), x.amax(1) - x.amin(1)


@witness(lambda: (randn(5, 7),))
def cumulative(x):
    return x.cumsum(1), x.cumprod(0), x.cummax(1), x.logcumsumexp(1), x.diff(dim=0)


@witness(lambda: (randn(4, 6), randn(6, 5), randn(5)), training=True)
def matrix_products(a, b, bias):
    return a @ b + bias, torch.addmm(bias, a, b, alpha=2, beta=0.5), F.linear(a, b.t(), bias).relu()


@witness(lambda: (randn(3, 4, 5), randn(3, 5, 2), randn(5)), training=True)
def batched_products(a, b, v):
    return a.bmm(b), torch.baddbmm(a[:, :, :2], a, b), a @ v, torch.einsum("bij,bjk->ki", a, b)


@witness(lambda: (randn(4), randn(4), randn(3, 4)), training=True)
def vector_products(x, y, m):
    return x.dot(y), torch.outer(x, y), m.mv(x), torch.linalg.vector_norm(m, 3, dim=1), torch.cdist(m, m + 1)


@witness(lambda: (randn(2, 3, 9, 9),), training=True)
def pooling(x):
    return (
        F.max_pool2d(x, 3, 2, 1),
        F.avg_pool2d(x, 2, 2, padding=1, count_include_pad=False),
        F.adaptive_avg_pool2d(x, (3, 4)),
    )


@witness(lambda: (randn(2, 3, 9, 9),))
def more_pooling(x):
    return (
        F.adaptive_max_pool2d(x, (3, 2)),
        F.max_pool2d(x, 2, dilation=2, return_indices=True),
        F.lp_pool2d(x, 2, 3),
        F.avg_pool3d(x, 2),
    )


@witness(lambda: (randn(2, 3, 6, 7), randn(4, 3, 3, 3), randn(4)), training=True)
def convolutions(x, w, b):
    return F.conv2d(x, w, b, stride=2, padding=1), F.conv2d(x, w, padding="same", dilation=2)


@witness(lambda: (randn(2, 4, 6), randn(4, 2, 3), randn(2, 4, 5, 5), randn(4, 2, 3, 3)))
def grouped_and_transposed_convolutions(x, w, y, v):
    return (
        F.conv1d(x, w, groups=2),
        F.conv_transpose1d(x, w, stride=2, padding=1),
        F.conv2d(y, v, groups=2),
        F.conv_transpose2d(y, v),
    )


@witness(lambda: (randn(2, 3, 5, 6),), training=True)
def paddings(x):
    return (
        F.pad(x, (1, 2, 0, 1), value=3.0),
        F.pad(x, (2, 1, 1, 1), mode="reflect"),
        F.pad(x[0], (1, 1, 0, 2), mode="replicate"),
        F.pad(x, (-1, 2)),
    )


@witness(lambda: (randn(2, 3, 5, 6),), training=True)
def interpolation(x):
    return (
        F.interpolate(x, scale_factor=2, mode="nearest"),
        F.interpolate(x, size=(7, 4), mode="bilinear", align_corners=True),
        F.interpolate(x, scale_factor=(1.5, 0.5), mode="bilinear"),
        F.interpolate(x, size=8, mode="bicubic"),
    )


@witness(lambda: (randn(2, 2, 4, 4), rand(2, 3, 3, 2) * 2 - 1, randn(1, 4, 3, 3)), training=True)
def sampling_and_shuffling(x, grid, y):
    return (
        F.grid_sample(x, grid, align_corners=False),
        F.pixel_shuffle(y, 2),
        F.pixel_unshuffle(x, 2),
        F.unfold(x, 2),
        F.channel_shuffle(y, 2),
    )


@witness(lambda: (randn(5, 8),))
def sorting(x):
    return (
        x.sort(1),
        x.topk(3),
        x.argsort(0, descending=True),
        x.kthvalue(2),
        torch.searchsorted(x[0].sort().values, x[1]),
        torch.bucketize(x, x[0].sort()[0]),
    )
