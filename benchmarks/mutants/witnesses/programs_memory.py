"""Witnesses for functionalization, aliasing, layouts: programs that write in place, return views, pass views in."""

from __future__ import annotations

import torch
from torch import arange, channels_last, randint, randn

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(3, 4),))
def add_in_place(x):
    x.add_(1)
    return x * 2


@witness(lambda: (randn(3, 4),))
def return_mutated_argument(x):
    x.mul_(2)
    return x, x + 1


@witness(lambda: (randn(3, 4),))
def write_through_view(x):
    x[1].fill_(7)
    x[:, ::2] += 1
    x.t()[0] = 5
    return x.sum()


@witness(lambda: (randn(4, 4),))
def return_views_of_argument(x):
    return x.t(), x[1:], x.view(16), x.unsqueeze(0), x.diagonal()


@witness(lambda: (randn(4, 4),))
def return_views_of_intermediate(x):
    y = x + 1
    return y, y.t(), y[0], y.view(-1)[2:5]


def _overlapping():
    base = randn(8)
    return base[:6], base[2:]


@witness(_overlapping)
def overlapping_arguments(a, b):
    a.add_(1)
    return a * 2, b * 3


@witness(lambda: (randn(4, 4).t(), randn(8, 4)[::2], randn(1, 4).expand(4, 4)))
def strided_arguments(a, b, c):
    return a + b, (b * c).t(), c.sum(0), a.contiguous().view(-1), torch.empty_like(a).fill_(1)


@witness(lambda: (randn(4, 4).t(),))
def mutate_transposed_argument(x):
    x.copy_(x.sin() + x.t())
    return x.clone()


@witness(lambda: (randn(2, 3, 4, 5).contiguous(memory_format=channels_last),))
def channels_last_pointwise(x):
    y = (x + 1).relu()
    return y, y.permute(0, 2, 3, 1), y.contiguous(), y.mean((2, 3))


@witness(lambda: (randn(4), randn(4)))
def metadata_mutation(x, y):
    x.unsqueeze_(0)
    y = y.resize_(2, 2) if y.dim() == 3 else y.view(2, 2)
    y.t_()
    return x + 1, y * 2


@witness(lambda: (randn(3, 4),))
def detach_and_clone(x):
    y = x.detach()
    z = x.clone()
    z.zero_()
    return y, z, x.clone().t().contiguous()


@witness(lambda: (randn(3, 4), randn(3, 4)), training=True)
def in_place_on_intermediate(x, w):
    y = x * w
    y.mul_(2).add_(x)
    y[0] = w[1]
    return y.tanh()


@witness(lambda: (randn(3, 4), randn(3, 4)), training=True)
def some_outputs_detached(x, w):
    y = x * w
    return y.exp(), y.detach() * 2, (w * 2).sum(), x.argmax()


@witness(lambda: (randn(3, 4),), training=True)
def output_view_of_argument_in_training(x):
    return x.view(4, 3), x.t(), (x * 2)[1]


@witness(lambda: (randn(3, 4),), training=True)
def output_alias_pairs(x):
    y = x.sin()
    return y, y, y.view(-1), y.t() * 2


@witness(lambda: (randn(4, 3), randint(0, 4, (5,))), training=True)
def index_backward(x, i):
    return x[i] * x[i].detach(), x[1:3].sum(), x[..., 0], x[x > 0].sum()


@witness(lambda: (randn(5, 3), randint(0, 5, (4,)), randn(4, 3)))
def index_writes(x, i, v):
    x[i] = v
    x.index_add_(0, i, v * 2)
    y = torch.index_put(x, (i, torch.tensor([0, 1, 2, 0])), v[:, 0], accumulate=True)
    return y, x.index_fill(1, torch.tensor([1]), 9.0)


@witness(lambda: (randn(4, 6), randint(0, 4, (2, 6)), randn(2, 6)), training=True)
def scatters(x, i, s):
    return x.scatter(0, i, s), x.scatter_add(0, i, s), x.scatter_reduce(0, i, s, "amax"), x.gather(0, i)


@witness(lambda: (randn(6, 4),), training=True)
def split_chunk_cat(x):
    a, b = x.split([2, 4])
    c, d, e = x.chunk(3)
    return torch.cat([b, a * 2]), torch.stack([c, d, e], 1), torch.cat([c, x], 0).sum(1), x.unbind(1)[2]


@witness(lambda: (randn(2, 3, 4),), training=True)
def permute_reshape(x):
    return x.permute(2, 0, 1).reshape(4, 6) * 2, x.transpose(1, 2).flatten(1), x.movedim(0, -1), x.reshape(-1, 4).t()


@witness(lambda: (randn(3, 4),), training=True)
def expand_repeat_roll(x):
    return (
        x.unsqueeze(1).expand(3, 2, 4) + 1,
        x.repeat(2, 1),
        x.roll(1, 0),
        x.flip(1),
        x.repeat_interleave(2, 0),
        x.tile(1, 2),
    )


@witness(lambda: (randn(5, 5),), training=True)
def slices_and_selects(x):
    return x[1:4, ::2] * 2, x.narrow(0, 1, 3), x[-1], x[:, None, 2], x.select(1, 3), x[[0, 2]], x.tril(1), x.diagonal(1)


@witness(lambda: (randn(3, 4),), training=True)
def slice_scatters(x):
    y = x.slice_scatter(torch.ones(3, 2), 1, 1, 3)
    return y.select_scatter(torch.zeros(4), 0, 1), x.diagonal_scatter(torch.ones(3))


@witness(lambda: (randn(2, 3), randn(2, 3)))
def out_argument(x, out):
    torch.add(x, 1, out=out)
    return out * 2


@witness(lambda: (arange(12.0).view(3, 4),))
def as_strided_view(x):
    return x.as_strided((2, 2), (4, 1), 1) * 2, x.unfold(1, 2, 1).sum(-1), x.as_strided((3, 2), (1, 2))


@witness(lambda: (randn(4, 4), randn(4, 4)))
def copy_between_views(x, y):
    x[:2].copy_(y[2:])
    y.t().add_(x)
    return x @ y


@witness(lambda: (randn(3), randn(3)), training=True)
def backward_through_mutated_copy(x, y):
    z = x.clone()
    z[1:].mul_(y[1:])
    z.add_(y.sum())
    return z * x


@witness(lambda: (randn(3, 4), torch.tensor([True, False, True])), training=True)
def masked_writes(x, m):
    y = x.clone()
    y[m] = 0.5
    return (
        y,
        x.masked_fill(m[:, None], -1.0),
        torch.where(m[:, None], x, x * 2),
        x.masked_scatter(m[:, None], x.detach() + 3),
    )


@witness(lambda: (randn(4, 6).requires_grad_(), randn(6)))
def only_some_require_grad(x, y):
    a = x * y
    b = y + 1
    return a.sum(0), b, a.requires_grad, b.requires_grad


@witness(lambda: (torch.nn.Parameter(randn(3)), randn(3)))
def mutation_under_no_grad(p, x):
    with torch.no_grad():
        p.add_(x, alpha=0.1)
    return p * 2


@witness(lambda: (randn(2, 2).to(torch.complex64), randn(2, 2)), training=True)
def complex_views(z, x):
    return torch.view_as_real(z) * 2, (z * x).abs(), z.conj() + 1, z.real * x, torch.complex(x, x * 2).imag


@witness(lambda: (randn(4, 5),), lambda: (randn(6, 5),), dynamic=True)
def dynamic_views_and_mutation(x):
    n = x.size(0)
    x[n // 2].zero_()
    y = x.view(n * 5)[5:]
    y.add_(1)
    return x.t(), y.view(n - 1, 5), x[: n - 2]


@witness(lambda: (randn(4, 5), randn(5, 3)), lambda: (randn(7, 5), randn(5, 3)), training=True, dynamic=True)
def dynamic_training(x, w):
    y = torch.cat([x @ w, x[:, :3]], 1)
    return y.softmax(0), y.sum(1) * x.size(0)
