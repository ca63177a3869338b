"""container.contains itself on torch:eager: stopped at the time limit in stage target

Found with torch 2.13.0+cpu. Options: defaults.
"""

import subprocess
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x1):
    a5 = [1]
    a5.append(a5)
    r6 = (len(a5), a5[1][1] is a5)
    try:
        t9 = torch.tensor(a5)
    except Exception as error:
        t9 = x1
    return a5


def inputs(call=0):
    x1 = torch.arange(4., dtype=torch.float64).reshape(2, 2)
    return x1,


def compile_program(program):
    return torch.compile(program, backend='eager')


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return result


def main():
    if "child" in sys.argv:
        print(observe(compile_program(program)))
        return 0
    print("torch", torch.__version__, "python", sys.version.split()[0], flush=True)
    observe(program)
    try:
        subprocess.run([sys.executable, __file__, "child"], timeout=60)
    except subprocess.TimeoutExpired:
        print('BUG: stopped at the time limit in stage target')
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
