"""Views of all of a value, read back; other layouts of the same elements."""

from __future__ import annotations

from assay.ir.types import FLOATS
from assay.transforms.registry import Writing, value


@value("views.unsqueezed", unwritten=True)
def unsqueezed(w: Writing) -> list[str]:
    """A dimension of size 1 is added and selected away."""
    base = w.fresh("base")
    dim = (0, -1)[w.number % 2]
    return [f"{base} = {w.value}.unsqueeze({dim})", f"{base}.select({dim}, 0)"]


@value("views.transposed_twice", unwritten=True, rank=2)
def transposed_twice(w: Writing) -> list[str]:
    """Two dimensions exchanged twice are where they were."""
    return [f"{w.value}.transpose(0, -1).swapaxes(-1, 0)"]


@value("views.moved_and_back", unwritten=True, rank=2)
def moved_and_back(w: Writing) -> list[str]:
    """A dimension is moved to the end and back."""
    return [f"torch.movedim(torch.movedim({w.value}, 0, -1), -1, 0)"]


@value("views.as_strided", unwritten=True)
def as_strided(w: Writing) -> list[str]:
    """A view with the tensor's own sizes, strides and offset."""
    return [f"{w.value}.as_strided({w.value}.size(), {w.value}.stride(), {w.value}.storage_offset())"]


@value("views.through_base", unwritten=True, rank=1)
def through_base(w: Writing) -> list[str]:
    """The slice without its first row has the tensor for a base, which still is all of it."""
    part = w.fresh("part")
    return [f"{part} = {w.value}[1:]", f"{w.value}[:] if {part}.dim() == {w.value}.dim() else None"]


@value("views.ellipsis", unwritten=True)
def ellipsis(w: Writing) -> list[str]:
    """Indexing by None adds a dimension, by 0 takes it away."""
    return [f"{w.value}[None, ...][0, ...]"]


@value("views.dtype_view", unwritten=True, training=False, dtypes=("float32", "int32", "float16", "bfloat16", "int16"))
def dtype_view(w: Writing) -> list[str]:
    """The bits are seen as whole numbers and as they were."""
    other = "torch.int32" if w.number % 2 else "torch.float32"
    narrow = "torch.int16" if w.number % 2 else "torch.float16"
    return [f"{w.value}.view({other} if {w.value}.element_size() == 4 else {narrow}).view({w.value}.dtype)"]


@value("views.alias", unwritten=True)
def alias(w: Writing) -> list[str]:
    """A view of the whole under another object."""
    return [f"torch.ops.aten.alias({w.value})" if w.number % 2 else f"{w.value}.view_as({w.value})"]


@value("views.detached", unwritten=True, training=False)
def detached(w: Writing) -> list[str]:
    """Where nothing requires a gradient, detaching changes nothing."""
    return [f"{w.value}.detach()" if w.number % 2 else f"{w.value}.data"]


@value("views.unbound_and_stacked", quiet=True, rank=1, filled=True)
def unbound_and_stacked(w: Writing) -> list[str]:
    """The rows, one by one, stacked again."""
    return [f"torch.stack({w.value}.unbind(0), 0)"]


@value("views.split_and_joined", quiet=True, rank=1, filled=True)
def split_and_joined(w: Writing) -> list[str]:
    """Pieces along a dimension, joined in order."""
    way = ("torch.split({0}, 1, -1)", "torch.chunk({0}, 2, -1)", "torch.tensor_split({0}, 3, -1)")[w.number % 3]
    return [f"torch.cat({way.format(w.value)}, -1)"]


@value("views.diagonal", quiet=True, rank=1, training=False)
def diagonal(w: Writing) -> list[str]:
    """The diagonal of a matrix with the rows on its diagonal."""
    return [f"torch.diag_embed({w.value}).diagonal(dim1=-2, dim2=-1)"]


@value("views.flipped_twice", quiet=True, rank=1)
def flipped_twice(w: Writing) -> list[str]:
    """Reversed twice."""
    return [f"{w.value}.flip(0).flip(0)"]


@value("views.rolled_back", quiet=True, rank=1, filled=True)
def rolled_back(w: Writing) -> list[str]:
    """Rolled forward and back."""
    k = 1 + w.number % 3
    return [f"torch.roll(torch.roll({w.value}, {k}, 0), -{k}, 0)"]


@value("views.unfolded", quiet=True, rank=1, filled=True)
def unfolded(w: Writing) -> list[str]:
    """Windows of one element, one after the other."""
    return [f"{w.value}.unfold(0, 1, 1).select(-1, 0)"]


@value("views.complex_parts", quiet=True, training=False, dtypes=("float32", "float64"))
def complex_parts(w: Writing) -> list[str]:
    """The real part of a complex number made of a number and zero."""
    made = f"torch.complex({w.value}, torch.zeros_like({w.value}))"
    return [f"torch.view_as_real({made})[..., 0]" if w.number % 2 else f"{made}.real"]


@value("layouts.contiguous", quiet=True)
def contiguous(w: Writing) -> list[str]:
    """The same elements, one after the other."""
    return [f"{w.value}.contiguous()"]


@value("layouts.copied", quiet=True)
def copied(w: Writing) -> list[str]:
    """The same elements in memory of their own."""
    x = w.value
    return [f"{x}.clone()" if w.number % 2 else f"{x}.to({x}.dtype, copy=True)"]


@value("layouts.transposed", quiet=True, rank=2)
def transposed(w: Writing) -> list[str]:
    """The same elements, column after column."""
    return [f"{w.value}.transpose(0, 1).contiguous().transpose(0, 1)"]


@value("layouts.channels_last", quiet=True, rank=4)
def channels_last(w: Writing) -> list[str]:
    """The same elements with the channels innermost."""
    x = w.value
    return [
        f"{x}.contiguous(memory_format=torch.channels_last if {x}.dim() == 4 else torch.channels_last_3d)"
        f" if {x}.dim() < 6 else {x}"
    ]


@value("layouts.offset", quiet=True, rank=1)
def offset(w: Writing) -> list[str]:
    """The same elements from an offset of a larger tensor."""
    return [f"torch.cat([{w.value}, {w.value}], 0)[{w.value}.shape[0] :]"]


@value("layouts.gaps", quiet=True, rank=1)
def gaps(w: Writing) -> list[str]:
    """The same elements with others between them."""
    return [f"torch.stack([{w.value}, {w.value}], -1)[..., {w.number % 2}]"]


@value("layouts.padded", quiet=True, rank=1, training=False)
def padded(w: Writing) -> list[str]:
    """What was added at the ends is cut off again."""
    return [f"torch.nn.functional.pad({w.value}, (2, 1))[..., 2:-1]"]


@value("layouts.widened", quiet=True, dtypes=("bool", "uint8", "int8", "int16", "int32"))
def widened(w: Writing) -> list[str]:
    """A wider whole number holds every narrower one."""
    return [f"{w.value}.to(torch.int64).to({w.value}.dtype)"]


@value("layouts.doubled", quiet=True, dtypes=FLOATS)
def doubled(w: Writing) -> list[str]:
    """Double precision holds every number of less, and rounding it back is exact."""
    return [f"{w.value}.double().to({w.value}.dtype)"]


@value("layouts.dense_again", quiet=True, rank=1, filled=True)
def dense_again(w: Writing) -> list[str]:
    """Every element picked by its own index."""
    return [f"{w.value}.index_select(0, torch.arange({w.value}.shape[0]))"]


@value("layouts.gathered", quiet=True, rank=1, filled=True)
def gathered(w: Writing) -> list[str]:
    """Every row, by an index tensor."""
    return [f"{w.value}[torch.arange({w.value}.shape[0])]"]


@value("layouts.where_true", quiet=True)
def where_true(w: Writing) -> list[str]:
    """Of two equal tensors it is no matter which element is taken."""
    mask = w.fresh("mask")
    return [
        f"{mask} = torch.zeros({w.value}.shape, dtype=torch.bool)",
        f"{mask}[...] = {bool(w.number % 2)}",
        f"torch.where({mask}, {w.value}, {w.value})",
    ]


@value("layouts.indexed_mask", quiet=True, rank=1, filled=True)
def indexed_mask(w: Writing) -> list[str]:
    """A mask that an index assignment made chooses between equal elements."""
    mask = w.fresh("mask")
    return [
        f"{mask} = torch.zeros({w.value}.shape, dtype=torch.bool)",
        f"{mask}[torch.tensor([0, -1])] = True",
        f"{w.value}.masked_fill({mask} & ~{mask}, 0)",
    ]


@value("data.nonzero", quiet=True, breaks=True, rank=1)
def nonzero(w: Writing) -> list[str]:
    """The places of all elements, and the elements there."""
    places = f"torch.ones({w.value}.shape, dtype=torch.bool).nonzero(as_tuple=True)"
    return [f"{w.value}[{places}].reshape({w.value}.shape)"]


@value("data.masked_select", quiet=True, breaks=True)
def masked_select(w: Writing) -> list[str]:
    """All elements are selected, in order."""
    everything = f"torch.ones({w.value}.shape, dtype=torch.bool)"
    return [f"torch.masked_select({w.value}, {everything}).reshape({w.value}.shape)"]


@value("data.unique", quiet=True, breaks=True, training=False, dtypes=("int8", "int16", "int32", "int64"))
def unique(w: Writing) -> list[str]:
    """Distinct elements, and for each place which of them it holds."""
    kinds, places = w.fresh("kinds"), w.fresh("places")
    return [f"{kinds}, {places} = torch.unique({w.value}, return_inverse=True)", f"{kinds}[{places}]"]


@value("data.as_list", quiet=True, breaks=True, training=False, small=True)
def as_list(w: Writing) -> list[str]:
    """A list of Python numbers holds every element exactly."""
    return [f"torch.tensor({w.value}.tolist(), dtype={w.value}.dtype).reshape({w.value}.shape)"]


@value("data.counted", breaks=True, rank=1, unwritten=True)
def counted(w: Writing) -> list[str]:
    """As many rows as a sum of ones says."""
    return [f"{w.value}[: int(torch.ones({w.value}.shape[0]).sum().item())]"]


@value("data.measured", breaks=True, rank=1, unwritten=True)
def measured(w: Writing) -> list[str]:
    """The number of rows, through a tensor of one number."""
    return [f"{w.value}.narrow(0, 0, torch.tensor([{w.value}.shape[0]]).item())"]


@value(
    "numpy.round_trip", training=False, unwritten=True, dtypes=("float32", "float64", "int32", "int64", "uint8", "bool")
)
def numpy_round_trip(w: Writing) -> list[str]:
    """An array shares the tensor's memory, and a tensor the array's."""
    return [f"torch.from_numpy({w.value}.numpy())" if w.number % 2 else f"torch.as_tensor({w.value}.numpy())"]


@value("numpy.transposed", training=False, unwritten=True, dtypes=("float32", "float64", "int32", "int64"))
def numpy_transposed(w: Writing) -> list[str]:
    """The transpose of the transpose, in numpy."""
    return [f"torch.from_numpy(numpy.transpose({w.value}.numpy().T))"]


@value("numpy.copied", training=False, quiet=True, dtypes=("float32", "float64", "int32", "int64", "uint8", "bool"))
def numpy_copied(w: Writing) -> list[str]:
    """A copy of the array as a new tensor."""
    return [f"torch.tensor(numpy.array({w.value}.numpy(), copy=True))"]


@value("numpy.computed", training=False, quiet=True, rank=1, dtypes=("int32", "int64"))
def numpy_computed(w: Writing) -> list[str]:
    """Numpy's functions on an array: exclusive or twice with the same numbers."""
    a = w.fresh("array")
    return [f"{a} = {w.value}.numpy()", f"torch.from_numpy(numpy.bitwise_xor(numpy.bitwise_xor({a}, 5), 5))"]
