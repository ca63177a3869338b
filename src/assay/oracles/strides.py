"""The oracle of strides: where the target promises eager's layout, outputs and what was passed in have it."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.outcome import TensorRecord
from assay.oracles.pairs import Place, tensor_pairs
from assay.oracles.registry import STRIDES, Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("strides", order=90)
def strides(question: Question) -> Iterator[Discrepancy]:
    """Tensors of one shape whose elements lie elsewhere in memory, relative to each other.

    The stride of a dimension of size 1 means nothing, and neither do those of a tensor without elements. Gradients
    are left out: nobody promises theirs. A layout other than strided is no matter of promises.
    """
    for pair in tensor_pairs(question.case, question.outcome.reference, question.outcome.target):
        eager, target = pair.reference, pair.target
        if pair.place is Place.gradient or eager.shape != target.shape:
            continue
        kind = pair.place.kind(Kind.stride)
        if eager.layout != target.layout:
            # a dotted layout is a subclass of tensor, which is the business of the oracle of types
            if "." not in eager.layout + target.layout:
                detail = f"eager is {eager.layout}, target is {target.layout}"
                yield Discrepancy(kind, pair.where, detail, f"stride|{eager.layout}->{target.layout}|{pair.place}")
        elif STRIDES in question.promises and significant(eager) != significant(target):
            detail = f"shape {list(eager.shape)}: eager strides {list(eager.stride)}, target {list(target.stride)}"
            yield Discrepancy(kind, pair.where, detail, f"stride|{pair.place}")


def significant(record: TensorRecord) -> tuple[int, ...]:
    """The strides that mean something: those of dimensions with several elements."""
    if 0 in record.shape:
        return ()
    return tuple(stride for size, stride in zip(record.shape, record.stride, strict=False) if size > 1)
