"""change.training mode on aot_eager: wrong side-effect of environment: rng: eager bf5f38c4b304727f, target 1bbf5ab61afc7a65

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def fresh():
    """Define what calls may change, as it is at first."""
    global N4, n5
    class N4(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.k = 2
            self.drop = torch.nn.Dropout(1.0)

        def forward(self, t):
            return self.drop(t + self.k)

    n5 = N4()


fresh()


def program(x1):
    u6 = n5(x1)
    r7 = (n5.training, n5.drop.training)
    return u6


def inputs(call=0):
    x1 = (torch.ones(5)).requires_grad_()
    return x1,


def compile_program(program):
    return torch.compile(program, backend='aot_eager')


def observe(function):
    fresh()
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return torch.get_rng_state().tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong side-effect of environment: rng: eager bf5f38c4b304727f, target 1bbf5ab61afc7a65')
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
