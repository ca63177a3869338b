"""Subjects with derivative rules of their own."""

import torch


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return -g * x.cos()


class Normalised(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(4, 3)
        self.norm = torch.nn.BatchNorm1d(3)

    def forward(self, x, scale=1.0):
        return {"y": self.norm(self.lin(x)).tanh() * scale}


class Wronged(Normalised):
    def forward(self, x, scale=1.0):
        return {"y": Wrong.apply(self.lin(x)) * scale}
