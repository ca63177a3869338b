"""reduce.amax on inductor: the gradient of the greatest element of a computed float16 is NaN.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
    from torch.utils._pytree import tree_map
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = torch.deg2rad(x)
    return a.amax(0)


def inputs(call=0):
    x = torch.tensor([[-3.0, 1.5], [2.0, 0.75]], dtype=torch.float16).requires_grad_()
    return (x,)


def compile_program(program):
    return torch.compile(program, backend="inductor")


def wide(arguments):
    def widened(leaf):
        if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
            return leaf
        return leaf.detach().double().requires_grad_(leaf.requires_grad)

    return tree_map(widened, arguments)


def differs(actual, expected, reference):
    """Beyond the tolerances, and farther from the float64 result than rounding explains."""
    if torch.allclose(actual, expected, rtol=0.001, atol=1e-05, equal_nan=True):
        return False
    rounding = 0.03125 * reference.abs().max()
    allowed = 4 * (expected.double() - reference).abs().max() + rounding
    return not (actual.double() - reference).abs().max() <= allowed


def observe(function, convert=lambda arguments: arguments):
    arguments = convert(inputs())
    torch.manual_seed(0)
    result = function(*arguments)
    if result.requires_grad:
        cotangent = torch.arange(result.numel()) * 7 % 5 - 2
        result.backward(cotangent.to(result.dtype).reshape(result.shape))
    return torch.zeros_like(arguments[0]) if arguments[0].grad is None else arguments[0].grad


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if differs(actual, expected, observe(program, wide)):
        print("expected", expected)
        print("actual", actual)
        wrong = int((~actual.isfinite()).sum())
        print(f"BUG: wrong gradient of argument 0: {wrong} of 4 elements are not finite, in eager mode none")
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
