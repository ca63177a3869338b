"""Sizes that travel through strings and numbers, and views of a value by such sizes."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


@value("numbers.expanded_to_own_shape", unwritten=True)
def expanded_to_own_shape(w: Writing) -> list[str]:
    """Expanding to the shape that a tensor has gives a view of all of it."""
    return [f"{w.value}.expand({w.value}.shape)"]


@value("numbers.shape_through_text", unwritten=True, static=True)
def shape_through_text(w: Writing) -> list[str]:
    """A number survives being written and read."""
    return [f"{w.value}.expand([int(str(size)) for size in {w.value}.shape])"]


@value("numbers.shape_through_format", unwritten=True, static=True)
def shape_through_format(w: Writing) -> list[str]:
    """A number survives being formatted, in any base."""
    spec = ("d", "x", "b", "o")[w.number % 4]
    base = {"d": 10, "x": 16, "b": 2, "o": 8}[spec]
    return [f"{w.value}.expand(tuple(int(f'{{size:{spec}}}', {base}) for size in {w.value}.shape))"]


@value("numbers.shape_joined", unwritten=True, static=True, rank=1)
def shape_joined(w: Writing) -> list[str]:
    """Numbers joined by commas are split again."""
    return [f"{w.value}.expand(list(map(int, ','.join(map(str, {w.value}.shape)).split(','))))"]


@value("numbers.shape_through_float", unwritten=True)
def shape_through_float(w: Writing) -> list[str]:
    """Small whole numbers are exact as floats."""
    return [f"{w.value}.expand([int(float(size)) for size in {w.value}.shape])"]


@value("numbers.shape_through_bytes", unwritten=True, static=True)
def shape_through_bytes(w: Writing) -> list[str]:
    """Bytes of a number give the number."""
    return [
        f"{w.value}.expand([int.from_bytes(int(size).to_bytes(4, 'little'), 'little') for size in {w.value}.shape])"
    ]


@value("numbers.shape_arithmetic", unwritten=True)
def shape_arithmetic(w: Writing) -> list[str]:
    """Quotient and remainder give the number back."""
    k = 2 + w.number % 3
    return [f"{w.value}.expand([size // {k} * {k} + size % {k} for size in {w.value}.shape])"]


@value("numbers.shape_bits", unwritten=True, static=True)
def shape_bits(w: Writing) -> list[str]:
    """Exclusive or twice with one number changes nothing."""
    return [f"{w.value}.expand([(size ^ {w.number % 64}) ^ {w.number % 64} for size in {w.value}.shape])"]


@value("numbers.size_class", unwritten=True)
def size_class(w: Writing) -> list[str]:
    """A torch.Size is a tuple: joined, sliced, compared and counted as one."""
    x = w.value
    return [f"{x}.expand(torch.Size(list({x}.shape[:1]) + list({x}.size()[1:]))) if {x}.shape == {x}.size() else None"]


@value("numbers.unflattened", unwritten=True, rank=1)
def unflattened(w: Writing) -> list[str]:
    """A dimension of size n split into 1 and n, and the 1 dropped."""
    return [f"{w.value}.unflatten(0, (1, {w.value}.shape[0])).squeeze(0)"]


@value("numbers.narrowed_by_length", unwritten=True, rank=1)
def narrowed_by_length(w: Writing) -> list[str]:
    """A slice of the length of the first dimension holds all of it."""
    return [f"{w.value}[: len({w.value})]"]


@value("numbers.slices", unwritten=True, rank=1)
def slices(w: Writing) -> list[str]:
    """Slice objects that reach to the end or beyond it take everything."""
    last = ("None", "10**6", "None")[w.number % 3]
    return [f"{w.value}[(slice(0, {last}, 1), ...)]"]


@value("numbers.index_object", unwritten=True)
def index_object(w: Writing) -> list[str]:
    """An object with ``__index__`` stands for a number."""
    index = w.define(
        "Index", "class {}:", "    def __init__(self, number):", "        self.number = number",
        "    def __index__(self):", "        return self.number",
    )  # fmt: skip
    return [f"[None, {w.value}][{index}(1)]"]


@run("numbers.text", extras=("str",))
def text(w: Writing) -> list[str]:
    """Text is made and taken apart by the methods of strings."""
    a, n = w.fresh("text"), w.number % 97
    return [
        f"{a} = ' '.join(['%d' % {n}, '{{:>5}}'.format({n}), f'{{{n}!r:*^7}}', format({n}, '04d')])",
        *w.body,
        f"{w.extras[0]} = {a}.upper().strip().replace('0', 'o')[::-1] + str({a}.partition(' ')) + str({a}.count('1'))",
    ]


@run("numbers.arithmetic", extras=("str",))
def arithmetic(w: Writing) -> list[str]:
    """Division rounds down, remainders take the sign of the divisor, powers and shifts are exact."""
    a, n = w.fresh("n"), w.number % 40 - 20
    return [
        f"{a} = {n}",
        *w.body,
        f"{w.extras[0]} = str(({a} // 7, {a} % 7, {a} % -7, divmod({a}, 3), {a} ** 3, {a} >> 1, ~{a}, {a} & 12))",
    ]


@run("numbers.floats", extras=("str",))
def floats(w: Writing) -> list[str]:
    """Dyadic numbers are exact; rounding goes to the even one."""
    a, n = w.fresh("n"), (w.number % 64) / 8
    return [
        f"{a} = {n}",
        *w.body,
        f"{w.extras[0]} = str((round({a}), math.floor({a}), math.ceil(-{a}), {a}.is_integer(), {a}.hex(), {a} // 0.5))",
    ]


@run("numbers.truth", extras=("str",))
def truth(w: Writing) -> list[str]:
    """``and`` and ``or`` give the operand that decided; booleans are numbers."""
    n = w.number % 3
    return [
        *w.body,
        f"{w.extras[0]} = str(({n} or 'no', {n} and [], not {n}, True + True, bool({n}) * 3, {n} == True))",
    ]


@run("numbers.math", extras=("str",))
def math_(w: Writing) -> list[str]:
    """Whole numbers stay whole."""
    n = 1 + w.number % 30
    numbers = f"math.gcd({n}, 12), math.isqrt({n}), math.comb({n}, 2), math.prod([{n}, 2]), ({n}).bit_length()"
    return [*w.body, f"{w.extras[0]} = str(({numbers}))"]
