"""Operators in '__torch_function__' do not call it.

torch.compile, backend eager: what '__torch_function__' computes from its arguments is a plain tensor, and is not handed to '__torch_function__'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


log = []


class Doubling(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        log.append(func.__name__)
        result = super().__torch_function__(func, types, args, kwargs or {})
        return torch.mul(result, 2) if func is torch.add else result


def program(x):
    a = x.as_subclass(Doubling)
    return torch.add(torch.add(a, 1), 1)


def observe(function):
    log.clear()
    result = function(torch.ones(3))
    return repr((type(result).__name__, result.as_subclass(torch.Tensor).tolist(), log))


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: Operators in __torch_function__ do not call it")
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
