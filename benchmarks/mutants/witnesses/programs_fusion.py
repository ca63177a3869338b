"""Witnesses for scheduling, rewriting passes, code generation: fusions, dtypes, dynamic shapes, rewrites."""

from __future__ import annotations

import torch
from torch import arange, rand, randint, randn
from torch.nn import functional as F

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(33), randint(-9, 9, (33,)), randn(33) > 0))
def casts(x, i, b):
    return (
        x.to(torch.float64),
        (x * 10).to(torch.int32),
        i.float() / 3,
        b.to(torch.int8) + i,
        (x > 0).float() * x,
        x.half() + 1,
        i.bool(),
        x.bfloat16() * 2,
    )


@witness(lambda: (randn(40).bfloat16(), randn(40).half(), randn(3, 40).bfloat16()), training=True)
def low_precision(x, y, z):
    return x * x + 1, y.exp() + y, z.sum(1), z.softmax(1), (x.float() * y.float()).bfloat16()


@witness(lambda: (randint(-20, 20, (35,)), randint(1, 7, (35,))))
def integer_arithmetic(x, y):
    return (
        x // y,
        x % y,
        x + y * 2,
        x & y,
        x | 3,
        x ^ y,
        x << 1,
        x >> y.clamp(max=3),
        ~x,
        x / y,
        torch.gcd(x, y),
        x.abs(),
        x.sign(),
        -x,
    )


@witness(
    lambda: (
        randint(0, 255, (3, 20), dtype=torch.uint8),
        randint(-100, 100, (3, 20), dtype=torch.int8),
        randint(0, 9, (3, 20), dtype=torch.int32),
    )
)
def small_integers(x, y, z):
    return (
        x + 3,
        y * 2,
        z.sum(1),
        x.sum(),
        y.amax(1),
        (x > 100),
        x.float() / 2,
        z.cumsum(1),
        torch.where(y > 0, y, -y),
        x // 2,
    )


@witness(lambda: (randn(23), randn(23)))
def comparisons_and_logic(x, y):
    return (
        x > y,
        x <= 0,
        (x > 0) & (y > 0),
        ~(x > 0) | (y < 0),
        torch.logical_xor(x > 0, y > 0),
        x.eq(y),
        torch.isclose(x, x + 1e-9),
        x.isnan(),
    )


@witness(lambda: (torch.tensor([0.5, -0.5, 1.5, 2.5, -2.5, 0.0, float("inf"), float("nan"), -float("inf")]).repeat(3),))
def rounding_and_special_values(x):
    return (
        x.round(),
        x.floor(),
        x.ceil(),
        x.trunc(),
        x.frac(),
        x.sign(),
        x.isinf(),
        x.nan_to_num(1.0),
        x.clamp(-1, 1),
        torch.maximum(x, x.flip(0)),
        x.relu(),
        torch.signbit(x),
    )


@witness(lambda: (rand(30) * 0.9 + 0.05,), training=True)
def special_functions(x):
    return (
        x.log(),
        x.erf(),
        x.lgamma(),
        x.asin(),
        x.atan2(x + 1),
        x.log1p(),
        x.expm1(),
        x.sinh(),
        x.logit(),
        x.digamma(),
        x.erfinv(),
        x.rsqrt(),
        x.pow(2.5),
        2**x,
    )


@witness(lambda: (randn(30),), training=True)
def activations(x):
    return (
        F.gelu(x),
        F.gelu(x, approximate="tanh"),
        F.silu(x),
        F.elu(x),
        F.leaky_relu(x, 0.2),
        F.hardtanh(x),
        F.softplus(x, 2),
        F.mish(x),
        F.hardswish(x),
        F.celu(x),
        F.selu(x),
        F.glu(x),
        F.hardsigmoid(x),
        F.threshold(x, 0.1, 5),
        F.softsign(x),
        F.logsigmoid(x),
        F.relu6(x),
        F.tanhshrink(x),
        F.softshrink(x),
    )


@witness(lambda: (randn(6, 5), randint(0, 6, (4,)), randint(0, 5, (4,))), training=True)
def gathers(x, i, j):
    return (
        x[i, j],
        x[i],
        x[:, j],
        x.index_select(1, j),
        x.take(i),
        x.take_along_dim(i[:, None] % 6, 0),
        x[i[:, None], j[None]],
        x[i - 6],
    )


@witness(lambda: (randn(5), randn(4)))
def constructors(x, y):
    n = x.shape[0]
    return (
        torch.arange(1, 9, 2) * n,
        torch.zeros(3, n) + x,
        torch.full((2, 2), 7),
        torch.eye(4) * y,
        torch.linspace(0, 1, 5) + x,
        torch.ones_like(x, dtype=torch.int32),
        torch.tril_indices(3, 3),
        torch.meshgrid(x, y, indexing="ij"),
        torch.scalar_tensor(3.0),
        torch.tensor([1, 2]) + 1,
    )


@witness(lambda: (randn(4, 12),))
def fusion_over_cat(x):
    y = torch.cat([x * 2, x + 1, x.sin()], 1)
    return y.relu(), y[:, 12:24].sum(1), torch.cat([x, x], 0) + 1


@witness(lambda: (randn(16, 16), randn(16, 16)))
def transposed_operands(x, y):
    return x + y.t(), (x.t() * y).t().sum(0), x.t().contiguous() + 1, (x.t() + y).softmax(0)


@witness(lambda: (randn(64, 65),))
def vectorized_tails(x):
    return x * 2 + 1, x.sum(0), x[:, :33].exp(), x[1:, 3:].t() + 1, x.amax(1), (x > 0).sum(1)


@witness(lambda: (randn(3, 50), randint(0, 50, (3, 50))))
def indirect_and_masked(x, i):
    return (
        torch.where(x > 0, x, x.gather(1, i)),
        x.masked_fill(i > 25, 0).sum(1),
        torch.where(i % 2 == 0, 1.0, x),
        x.clamp(min=0).pow(2),
    )


@witness(lambda: (randn(4, 6),), lambda: (randn(7, 6),), lambda: (randn(1, 6),), dynamic=True)
def dynamic_reductions(x):
    n = x.size(0)
    return (
        x.sum(0) / n,
        x.softmax(0),
        F.pad(x, (0, 0, 1, 1)),
        torch.arange(n) * 2,
        x.view(-1).cumsum(0),
        x.expand(2, n, 6).sum(1),
    )


@witness(lambda: (randn(4, 6), randn(4, 3)), lambda: (randn(5, 8), randn(5, 2)), dynamic=True)
def dynamic_cat_and_products(x, y):
    z = torch.cat([x, y], 1)
    return z.t() @ x, z[:, x.size(1) :] * 2, z.reshape(-1)[:: x.size(0)], z.amax(1)


@witness(lambda: (randn(2, 3, 8, 8),), lambda: (randn(2, 3, 10, 12),), dynamic=True)
def dynamic_images(x):
    return F.max_pool2d(x, 2), F.interpolate(x, scale_factor=2.0), x.mean((2, 3)), F.avg_pool2d(x, 3, 1, 1)


@witness(lambda: (torch.tensor([1.0, 0.0, 2.0, 0.0, 3.0]),))
def data_dependent_shapes(x):
    return x.nonzero(), x[x > 0] * 2, torch.unique(x), x.bool().nonzero().squeeze(1) + 1


@witness(lambda: (torch.tensor([2, 3]), randn(3)))
def sizes_from_data(n, x):
    return torch.zeros(n[0].item()) + 1, x.repeat_interleave(torch.tensor([1, 0, 2])), torch.bincount(n)


@witness(lambda: (randn(2, 4, dtype=torch.complex64), randn(4)))
def complex_arithmetic(z, x):
    return z * x, z.abs(), z.angle(), (z * z.conj()).real, torch.fft.fft(x), z.exp(), z.sum(1), z @ z.mH


@witness(lambda: (randn(5, 5), randn(5, 2)))
def linear_algebra(a, b):
    s = a @ a.T + 5 * torch.eye(5)
    return (
        torch.linalg.cholesky(s),
        torch.linalg.solve(s, b),
        torch.linalg.inv(s),
        torch.linalg.det(s),
        a.trace(),
        torch.block_diag(a, b),
        torch.kron(b, b),
    )


@witness(lambda: (randn(3, 20), randn(20)), training=True)
def norms(x, w):
    return (
        F.layer_norm(x, (20,), w, w * 2),
        F.rms_norm(x, (20,), w),
        F.local_response_norm(x.view(1, 3, 20), 2),
        x.renorm(2, 0, 1.0),
        F.cosine_similarity(x, x + w),
    )


@witness(lambda: (randn(2, 4, 5), rand(4), randn(4)), training=True)
def normalization_with_statistics(x, var, mean):
    return (
        F.batch_norm(x, mean.detach(), var.detach() + 1, mean, var),
        F.instance_norm(x),
        F.group_norm(x, 2, mean, var),
        torch.var_mean(x, 1),
    )


@witness(lambda: (randn(12, 4), randint(0, 11, (7,)), torch.tensor([0, 3, 5])), training=True)
def embeddings(w, i, offsets):
    return (
        F.embedding(i, w),
        F.embedding_bag(i, w, offsets, mode="sum"),
        F.one_hot(i, 12).sum(0),
        F.embedding(i.view(7, 1), w, padding_idx=2).squeeze(1),
    )


@witness(lambda: (arange(24.0).view(2, 3, 4),))
def index_arithmetic(x):
    return (
        x.flatten()[arange(23, -1, -1)],
        x.view(6, 4)[::2, 1::2],
        x.rot90(1, (1, 2)),
        x.permute(2, 1, 0)[1:, :, 0],
        x.roll((1, 2), (0, 2)),
        x.unfold(2, 2, 2),
        x.tril(),
    )


@witness(lambda: (randn(10, 10), randn(10, 10)))
def many_users_of_one_buffer(x, y):
    a = x @ y
    b = a.sum(1)
    c = a * b
    d = c.amax(0)
    return a + d, b * d, (c - d).sin().sum(0), a.t() @ c


@witness(lambda: (randn(8, 8),))
def chain_of_products(x):
    for _ in range(4):
        x = (x @ x).tanh()
        x = x + x.t().sum(0)
    return x


@witness(lambda: (randn(4, 8), randn(4, 8), randn(4, 8)), training=True)
def gated_recurrence(x, h, c):
    i, f = torch.sigmoid(x + h).chunk(2, 1)
    g = torch.tanh(c[:, :4] * f + i)
    return torch.cat([g, i * f], 1) * c, torch.lerp(x, h, 0.3), torch.addcdiv(x, h, c.abs() + 1, value=0.1)


@witness(lambda: (randn(3, 4),), training=True)
def recomputed_in_backward(x):
    y = x.exp().sin()
    z = torch.cat([y, y * 2], 1)
    return (z.softmax(1) * z).sum(0), y.max(1).values, y.cumsum(1).tanh()


@witness(lambda: ([randn(3), randn(2, 2), randn(4)], [randn(3), randn(2, 2), randn(4)]))
def foreach_updates(params, grads):
    torch._foreach_mul_(grads, 0.9)
    torch._foreach_add_(params, grads, alpha=-0.1)
    return torch._foreach_norm(grads)


@witness(lambda: (randn(4, 4), randn(4, 4)))
def rewrites_in_joint_graph(x, y):
    return (
        x * 1 + 0,
        x - x,
        (x + 2) - 2,
        x.view(4, 4),
        x.to(torch.float32),
        x.t().t(),
        x.permute(1, 0).permute(1, 0) + y,
        torch.full((4, 4), 2.0) * x,
        x.neg().neg(),
        x.pow(1),
    )


@witness(lambda: (randn(4, 12), randn(12, 3), randn(12, 3), randn(3)))
def rewrites_of_products(x, a, b, bias):
    y, z = x.mm(a), x.mm(b)
    return y + z, bias + x @ a, torch.cat([x @ a, x @ b], 1), (x @ a) @ a.t(), x.mm(a * 2), torch.mm(x, a) + y


@witness(lambda: (randn(6, 8),))
def rewrites_of_splits(x):
    a, b = torch.split(x, 4, 1)
    c = torch.cat([a, b], 1)
    d = torch.stack([t.squeeze(0) for t in torch.split(x, 1, 0)])
    return c + 1, d * 2, torch.cat([torch.relu(t) for t in x.chunk(2, 1)], 1), torch.cat([x[:, :4], x[:, 4:]], 1)


@witness(lambda: (randn(300),))
def large_vector(x):
    return x.sum(), x.softmax(0), x.view(3, 100).sum(1), x.cumsum(0)[-1], x.std(), x.view(20, 15).t().sum(0)


@witness(lambda: (randn(1, 1), randn(()), randn(0, 3), randn(2, 0)))
def degenerate_sizes(a, b, c, d):
    return (
        a + b,
        c.sum(0),
        d.sum(1),
        b.relu(),
        torch.cat([c, a.expand(1, 3)]),
        a.squeeze(),
        b.view(1, 1).expand(2, 2),
        c @ c.t().sum(1),
    )
