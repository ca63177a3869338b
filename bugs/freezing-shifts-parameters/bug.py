"""With freezing, a write to an argument that overlaps another makes inductor bake one parameter in for another: w0 + 0 is the value of w1.

Found with torch 2.13.0+cpu. Options: torch._inductor.config.freezing.
"""

import sys

try:
    import torch
    from torch.utils._pytree import tree_leaves
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w0 = torch.nn.Parameter(torch.tensor([10.0]), requires_grad=False)
        self.w1 = torch.nn.Parameter(torch.tensor([7.0]), requires_grad=False)


def program(model, x, y):
    a = x.mul_(2)
    b = model.w0 + torch.zeros_like(model.w1)
    c = y + 1
    return b, c


def inputs(call=0):
    x = torch.tensor([0.0, 1.0, 2.0, 3.0])
    y = x[1:2]
    return x, y


def compile_program(program):
    torch._inductor.config.freezing = True
    return torch.compile(program, backend="inductor")


def observe(function):
    model = Model()
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(model, *arguments)
    return [leaf.tolist() for leaf in tree_leaves(result)]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong value of output 0: that of the parameter w1, where w0 was read")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
