"""Witnesses from torch's operator database: one sample of an operator in a dtype, e.g. `op/roll/float32/2/t`."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from benchmarks.mutants.witnesses import Witness

SAMPLES = 24  # how deep into an operator's samples the witnesses go
SKIPPED = (
    "rand",
    "bernoulli",
    "dropout",
    "normal",
    "multinomial",
    "uniform",
    "exponential",
    "geometric",
    "cauchy",
    "empty",
    "sparse",
    "jiterator",
    "svd_lowrank",
    "pca_lowrank",
)


@functools.cache
def operators() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    named = {info.name + (f".{info.variant_test_name}" if info.variant_test_name else ""): info for info in op_db}
    return {name: info for name, info in named.items() if not any(word in name for word in SKIPPED)}


def sample(name: str) -> Witness:
    """The witness of a name `op/<operator>/<dtype>/<number of the sample>[/t]`; /t trains."""
    _, operator, dtype_name, number, *flags = name.split("/")
    training = bool(flags)
    info = operators()[operator]

    def draw() -> Any:
        import torch

        torch.manual_seed(0)
        dtype = getattr(torch, dtype_name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return next(itertools.islice(info.sample_inputs("cpu", dtype, requires_grad=training), int(number), None))

    keywords = draw().kwargs

    def program(*args: Any) -> Any:
        return info.op(*args, **keywords)

    def arguments() -> tuple[Any, ...]:
        nonlocal keywords
        drawn = draw()
        keywords = drawn.kwargs
        return (drawn.input, *drawn.args)

    return Witness(name, program, (arguments,), training)


def names(depth: int, others: bool) -> Iterator[str]:
    """Names of witnesses: `depth` samples of each operator, spread out; one in another dtype if `others`."""
    import torch

    for number, (name, info) in enumerate(operators().items()):
        allowed = info.supported_dtypes("cpu")
        main = next(
            (each for each in (torch.float32, torch.int64, torch.bool, torch.complex64) if each in allowed), None
        )
        if main is None:
            continue
        available = _count(info, main)
        training = "/t" if info.supports_autograd and main == torch.float32 else ""
        places = sorted({i * available // depth for i in range(min(depth, available))})
        for turn, place in enumerate(places):
            yield f"op/{name}/{str(main).split('.')[1]}/{place}{training if turn % 2 == 0 else ''}"
        rest = [
            each
            for each in (
                torch.int64,
                torch.bfloat16,
                torch.bool,
                torch.uint8,
                torch.float64,
                torch.complex64,
                torch.float16,
                torch.int32,
            )
            if each in allowed and each != main
        ]
        if others and rest and available:
            yield f"op/{name}/{str(rest[number % len(rest)]).split('.')[1]}/0"


def _count(info: Any, dtype: Any) -> int:
    import torch

    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return len(list(itertools.islice(info.sample_inputs("cpu", dtype, requires_grad=False), SAMPLES)))
    except Exception:
        return 0
