"""Types of values: tensors with symbolic sizes, Python scalars, containers, functions.

Dtypes are named as torch names them (``float32``, ``int64``, ``bool``); their order in each class is the order of
promotion.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.ir.sizes import Shape, Size, product

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
COMPLEXES = ("complex64", "complex128")
BOOL = ("bool",)
REALS = INTEGERS + FLOATS
NUMERIC = REALS
ALL = BOOL + REALS
ANY = ALL + COMPLEXES

RANKS = (0, 1, 2, 3, 4, 5, 6)
"""What operators are tried with, where they take any."""

# Bits of the significand, the implicit one included: the p of ORACLE.md.
SIGNIFICAND = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53, "complex64": 24, "complex128": 53}
INTEGER_RANGE = {
    "bool": (0, 1),
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
LARGEST_FINITE = {"float16": 65504.0, "bfloat16": 3.38e38, "float32": 3.4e38, "float64": 1.79e308}


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor's dtype and shape."""

    dtype: str
    shape: Shape

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def elements(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    def with_shape(self, shape: Shape) -> TensorType:
        """The same dtype in another shape."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: str) -> TensorType:
        """The same shape in another dtype."""
        return TensorType(dtype, self.shape)


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A Python number, string or None: ``int``, ``float``, ``bool``, ``str``, ``NoneType``."""

    kind: str


@dataclass(frozen=True, slots=True)
class ContainerType:
    """A Python list, tuple or dict; ``keys`` only for a dict."""

    kind: str
    items: tuple[Type, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionType:
    """An inner function of positional parameters."""

    parameters: tuple[Type, ...]
    results: tuple[Type, ...]


Type = TensorType | ScalarType | ContainerType | FunctionType


def is_float(dtype: str) -> bool:
    """Whether the dtype is a real floating-point one."""
    return dtype in FLOATS


def is_complex(dtype: str) -> bool:
    """Whether the dtype is a complex one."""
    return dtype in COMPLEXES


def part_of(dtype: str) -> str:
    """The dtype of the real and the imaginary part; of what is real, itself."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def is_integral(dtype: str) -> bool:
    """Whether the dtype is an integer or bool."""
    return dtype in INTEGER_RANGE


def is_differentiable(dtype: str) -> bool:
    """Whether autograd carries gradients through values of the dtype."""
    return dtype in FLOATS or dtype in COMPLEXES


@dataclass(frozen=True, slots=True)
class Dtype:
    """A dtype as the value of an attribute; each framework writes it in its own way."""

    name: str
