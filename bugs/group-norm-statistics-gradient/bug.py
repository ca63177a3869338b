"""torch.native_group_norm: wrong gradient of first reverse_by_output against reverse, direction 0: reverse, forward, reverse_again, reverse_batched, func_grad, func_jvp, grad_vmapped, jvp_vmapped, functionalized, checkpointed, checkpointed_reentrant: 1.74070809; reverse_by_output: -2.44191644e-06; numerical: 1.74070809 (error 5e-10)

Found with torch 2.13.0+cpu. The first derivative, reverse_by_output.
"""

import math
import random
import sys

try:
    import torch
    from torch.utils._pytree import tree_leaves
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x0):
    return torch.native_group_norm(x0, None, None, 1, 2, 1, 1, 1e-05)


def inputs(call=0):
    x0 = torch.tensor([[-5.0, -7.5]], dtype=torch.float64)
    return x0,


def main():
    print("torch", torch.__version__)
    phi, x = real_function(program, inputs())
    v, w, z = (random_like(x, DIRECTIONS_SEED + 0 + k) for k in range(3))
    found = reverse_by_output(phi, x, v)
    print("reverse_by_output:", found)
    expected = reverse(phi, x, v)
    print("reverse:", expected)
    if abs(found - expected) <= 1e-6 * max(1e-9, abs(found), abs(expected)):
        print("OK")
        return 0
    told = f"reverse_by_output gives {found:.6g}, reverse {expected:.6g}"
    print("BUG: wrong first derivative:", told)
    return 1


def reverse_by_output(phi, x, v):
    """Reverse mode of each output alone: the others have no cotangents, which is not the same to a rule as zeros."""
    if len(phi.weights) < 2:
        raise NotImplementedError("there are no two outputs that have a gradient")
    x = leaves(x)
    made, total = phi.parts(*x), 0.0
    for k, weight in enumerate(phi.weights):
        found = torch.autograd.grad(inner([weight], [made[k]]), x, retain_graph=True, allow_unused=True)
        total += number(inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], v))
    return total


def reverse(phi, x, v):
    """Reverse mode."""
    return number(inner(gradient(phi, leaves(x)), v))


def real_function(program, given):
    """A real function of the program's differentiable inputs, and the point: the sum of Re<u, output> over the outputs
    that have a gradient, for random u."""
    x = [each.detach() for each in given if is_differentiable(each)]
    made = outputs(program, given, leaves(x))
    kept = kept_outputs(made)
    u = random_like([made[number] for number in kept], COTANGENT_SEED, unit=True)

    def parts(*x):
        made = outputs(program, given, x)
        return [made[number] for number in kept]

    def phi(*x):
        return inner(u, parts(*x))

    phi.parts, phi.weights = parts, u
    return phi, x


def random_like(tensors, seed, unit=False):
    """Normal numbers in the shapes of tensors, each about as large as the tensor; of size 1 with ``unit``."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for each in tensors:
        drawn = torch.randn(
            each.shape, dtype=torch.complex128 if each.is_complex() else torch.float64, generator=generator
        )
        made.append((drawn if unit else drawn * size_of(each)).to(each.dtype))
    return made


def direct(phi, x, v=()):
    """The value, with nothing recorded."""
    with torch.no_grad():
        return number(phi(*x))


def is_differentiable(value):
    """Whether a value is a tensor that derivatives go through."""
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def outputs(program, given, x):
    """The tensors that a program gives for what it was given, with ``x`` in place of the differentiable inputs."""
    rest = iter(x)
    arguments = [next(rest) if is_differentiable(each) else each for each in given]
    torch.default_generator.manual_seed(0)
    random.seed(0)
    return [each for each in tree_leaves(program(*arguments)) if isinstance(each, torch.Tensor)]


def kept_outputs(made):
    """Which outputs have a gradient."""
    return [
        number for number, each in enumerate(made) if is_differentiable(each) and each.requires_grad and each.numel()
    ]


def size_of(tensor):
    """A power of two near the root mean square of a tensor."""
    size = float(tensor.detach().abs().double().square().mean().sqrt()) if tensor.numel() else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


def inner(a, b):
    """Re<a, b>, summed over the tensors."""
    return sum(((p.conj() * q).real if p.is_complex() else p * q).sum() for p, q in zip(a, b))


def leaves(x):
    """The point as tensors that gradients are asked of."""
    return [each.detach().requires_grad_() for each in x]


def gradient(phi, x, create_graph=False):
    """The gradient in reverse mode; zeros where ``phi`` does not depend on an input."""
    result = phi(*x)
    if not result.requires_grad:
        return [torch.zeros_like(each) for each in x]
    found = torch.autograd.grad(result, x, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(each) if one is None else one for each, one in zip(x, found)]


def number(result):
    """A result as a Python number."""
    return float(result.detach()) if isinstance(result, torch.Tensor) else float(result)


DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
