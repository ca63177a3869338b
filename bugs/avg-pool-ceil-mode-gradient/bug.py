"""pool.avg_pool2d on inductor: wrong gradient of argument 0: 2 of 4 elements differ (float32[1, 2, 2], beyond the tolerance); largest difference 0.166666657 at [0, 1, 0]: eager 0.166666657, target 0; farther from the value in higher precision than its bound allows

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
    a = torch.nn.functional.avg_pool2d(x, (3, 2), stride=2, padding=1, ceil_mode=True)
    return a


def inputs(call=0):
    x = torch.tensor([[[1.0, 1.0], [1.0, 1.0]]], dtype=torch.float32).requires_grad_()
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
    if torch.allclose(actual, expected, rtol=1.3e-06, atol=1e-05, equal_nan=True):
        return False
    rounding = 3.81e-06 * reference.abs().max()
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
        print(
            "BUG: wrong gradient of argument 0: 2 of 4 elements differ (float32[1, 2, 2], beyond the tolerance); largest difference 0.166666657 at [0, 1, 0]: eager 0.166666657, target 0; farther from the value in higher precision than its bound allows"
        )
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
