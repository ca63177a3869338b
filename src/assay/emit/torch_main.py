"""The end of a generated script for torch: run the program eagerly on every call, checking intermediates where the
policy promises them finite."""

MAIN_IMPORTS = [
    "from torch.overrides import TorchFunctionMode",
    "from torch.utils._pytree import tree_leaves",
]

MAIN = '''def below(leaf):
    """A tensor as it is below the transforms of torch.func, under which nothing can be asked of its elements."""
    while torch._C._functorch.is_functorch_wrapped_tensor(leaf):
        leaf = torch._C._functorch.get_unwrapped(leaf)
    return leaf.detach()


class Finite(TorchFunctionMode):
    """Checks that every floating-point intermediate is finite."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if "empty" not in str(function):
            for leaf in tree_leaves(result):
                if isinstance(leaf, torch.Tensor) and leaf.is_floating_point():
                    assert torch.isfinite(below(leaf)).all(), f"{function} gives a value that is not finite"
        return result


def main():
    first = (state(),) if "state" in globals() else ()
    for call in range(CALLS):
        if "between" in globals():
            between(call, *first)
        arguments = inputs(call)
        if FINITE:
            with torch.set_grad_enabled(TRAINING), Finite():
                program(*first, *arguments)
        else:
            with torch.set_grad_enabled(TRAINING):
                program(*first, *arguments)


if __name__ == "__main__":
    main()'''.splitlines()
