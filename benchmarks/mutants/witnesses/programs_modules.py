"""Witnesses with state: layers, buffers, losses, small networks, in training and inference."""

from __future__ import annotations

import torch
from torch import nn, randint, randn
from torch.nn import functional as F

from benchmarks.mutants.witnesses import witness


@witness(
    lambda: (randn(5, 6),), training=True, state=lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
)
def perceptron(model, x):
    return model(x)


@witness(lambda: (randn(5, 6),), state=lambda: nn.Linear(6, 40).eval())
def linear_inference(model, x):
    return model(x).relu() + 1


@witness(
    lambda: (randn(2, 3, 8, 8),),
    training=True,
    state=lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
)
def convolution_and_batch_norm(model, x):
    return model(x)


@witness(
    lambda: (randn(2, 3, 8, 8),),
    state=lambda: nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.MaxPool2d(2)).eval(),
)
def convolution_inference(model, x):
    with torch.no_grad():
        return model(x)


@witness(lambda: (randn(3, 4),), lambda: (randn(3, 4),), training=True, state=lambda: nn.BatchNorm1d(4))
def running_statistics(model, x):
    return model(x) * 2


@witness(lambda: (randn(2, 5, 8),), training=True, state=lambda: nn.LayerNorm(8))
def layer_norm(model, x):
    return model(x).mul(2).transpose(1, 2)


@witness(lambda: (randn(2, 6, 4, 4),), training=True, state=lambda: nn.GroupNorm(3, 6))
def group_norm(model, x):
    return model(x)


@witness(lambda: (randint(0, 9, (3, 4)),), training=True, state=lambda: nn.Embedding(10, 6, padding_idx=0))
def embedding(model, i):
    return model(i).sum(1)


@witness(lambda: (randn(2, 5, 8),), training=True, state=lambda: nn.MultiheadAttention(8, 2, batch_first=True))
def attention_layer(model, x):
    return model(x, x, x)[0]


@witness(
    lambda: (randn(2, 5, 8),),
    training=True,
    state=lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True),
)
def transformer_layer(model, x):
    return model(x)


@witness(lambda: (randn(2, 2, 6, 8), randn(2, 2, 6, 8), randn(2, 2, 6, 8)), training=True)
def attention_by_hand(q, k, v):
    scores = q @ k.transpose(-2, -1) / 8**0.5
    mask = torch.ones(6, 6, dtype=torch.bool).tril()
    return scores.masked_fill(~mask, float("-inf")).softmax(-1) @ v


@witness(lambda: (randn(2, 2, 6, 8), randn(2, 2, 6, 8), randn(2, 2, 6, 8)), training=True)
def fused_attention(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(4))
        self.weight = nn.Parameter(torch.linspace(-1, 1, 4))
        self.steps = 0
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.named = nn.ModuleDict({"a": nn.Tanh(), "b": nn.Sigmoid()})

    def forward(self, x):
        self.steps += 1
        self.seen.add_(x.detach().sum(0))
        for i, block in enumerate(self.blocks):
            x = block(x) + i
        for name, layer in self.named.items():
            x = layer(x) if name == "a" else x * layer(x)
        return x * self.weight + self.steps


@witness(lambda: (randn(3, 4),), lambda: (randn(3, 4),), training=True, state=Counter)
def stateful_module(model, x):
    return model(x), model.steps, model.seen * 2


@witness(lambda: (randn(3, 4),), lambda: (randn(3, 4),), state=Counter)
def module_attributes(model, x):
    y = sum(p.sum() for p in model.parameters()) + len(model.blocks)
    return (
        y,
        model.training,
        [name for name, _ in model.named_buffers()],
        model.blocks[-1](x),
        model.weight.requires_grad,
    )


@witness(lambda: (randn(3, 4),), state=lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 4)).eval())
def dropout_in_inference(model, x):
    return model(x), F.dropout(x, 0.0, training=True)


def _hooked():
    model = nn.Linear(4, 4)
    model.register_forward_hook(lambda module, args, out: out * 2)
    model.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    return model


@witness(lambda: (randn(3, 4),), training=True, state=_hooked)
def forward_hooks(model, x):
    return model(x)


@witness(lambda: (randn(4, 5), randint(0, 5, (4,))), training=True)
def cross_entropy(x, y):
    return (
        F.cross_entropy(x, y),
        F.cross_entropy(x, y, label_smoothing=0.1, reduction="none"),
        F.nll_loss(x.log_softmax(1), y, ignore_index=2),
    )


@witness(lambda: (randn(4, 5), randn(4, 5)), training=True)
def regression_losses(x, y):
    return (
        F.mse_loss(x, y),
        F.l1_loss(x, y, reduction="sum"),
        F.smooth_l1_loss(x, y, beta=0.5),
        F.huber_loss(x, y, delta=0.7),
    )


@witness(lambda: (randn(4, 5), torch.rand(4, 5)), training=True)
def classification_losses(x, y):
    return (
        F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.full((5,), 2.0)),
        F.kl_div(x.log_softmax(1), y, reduction="batchmean"),
        F.soft_margin_loss(x, y.detach().sign()),
        F.hinge_embedding_loss(x, (y.detach() - 0.5).sign()),
    )


@witness(lambda: (randn(3, 4),), training=True, state=lambda: nn.GRUCell(4, 5))
def recurrent_cell(model, x):
    h = x.new_zeros(3, 5)
    for _ in range(3):
        h = model(x, h)
    return h


@witness(lambda: (randn(3, 2, 4),), training=True, state=lambda: nn.LSTM(4, 5))
def recurrent_network(model, x):
    out, (h, _) = model(x)
    return out, h


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.second = nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.skip = nn.Conv2d(3, 6, 1)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        y = F.gelu(self.first(x))
        y = self.second(y) + self.skip(x)
        return self.head(F.adaptive_avg_pool2d(y, 1).flatten(1)).log_softmax(-1)


@witness(lambda: (randn(2, 3, 6, 6),), training=True, state=Residual)
def residual_network(model, x):
    return model(x)


@witness(
    lambda: (randn(2, 3, 6, 6).contiguous(memory_format=torch.channels_last),),
    state=lambda: Residual().to(memory_format=torch.channels_last).eval(),
)
def channels_last_network(model, x):
    with torch.no_grad():
        return model(x), model.first(x).relu()


@witness(
    lambda: (randn(2, 4, 5, 5),), training=True, state=lambda: nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1)
)
def transposed_convolution(model, x):
    return model(x).tanh()


@witness(
    lambda: (randn(2, 3, 10),),
    training=True,
    state=lambda: nn.Sequential(nn.Conv1d(3, 4, 3, dilation=2), nn.PReLU(), nn.AvgPool1d(2)),
)
def one_dimensional_convolution(model, x):
    return model(x)


@witness(lambda: (randn(4, 6),), training=True, state=lambda: nn.Linear(6, 6))
def weight_used_twice(model, x):
    y = model(model(x))
    return y, y @ model.weight


@witness(
    lambda: (randn(4, 6),),
    lambda: (randn(9, 6),),
    dynamic=True,
    training=True,
    state=lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8)),
)
def dynamic_batch(model, x):
    return model(x).sum(0) / x.shape[0]


@witness(lambda: (randn(8, 16),), state=lambda: nn.ModuleList([nn.Linear(16, 16, bias=False) for _ in range(3)]))
def parallel_linears(layers, x):
    with torch.no_grad():
        q, k, v = (layer(x) for layer in layers)
        return q + k, v.relu()


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 6).view(2, 3))
        self.register_buffer("momentum", torch.zeros(2, 3))


@witness(lambda: (randn(3),), lambda: (randn(3),), state=Step)
def optimizer_step_by_hand(model, x):
    loss = (model.weight @ x).pow(2).sum()
    (grad,) = torch.autograd.grad(loss, [model.weight])
    with torch.no_grad():
        model.momentum.mul_(0.9).add_(grad)
        model.weight.sub_(0.1 * model.momentum)
    return loss.detach()


@witness(lambda: (randn(3, 4),), training=True, state=lambda: nn.Linear(4, 4))
def checkpointed_block(model, x):
    from torch.utils.checkpoint import checkpoint

    return checkpoint(lambda t: model(t).sin().exp(), x, use_reentrant=False)
