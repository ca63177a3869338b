"""What a function takes for granted of its tensors, and what of its results does not depend on a choice of its own.

A function that reads one triangle of a symmetric matrix has the gradient of a symmetric one, and eigenvectors are given
up to a factor of modulus one: only of such forms are numerical derivatives those of the function. One table, by the
last parts of names; `{}` stands for the tensor.
"""

from __future__ import annotations

from assay.apis.seeds import Call

HERMITIAN = "({0} + {0}.mH) / 2"
LOWER = "{0}.tril()"
UPPER = "{0}.triu()"

TAKEN: dict[str, tuple[int, str]] = {
    "cholesky": (0, HERMITIAN),
    "cholesky_ex": (0, HERMITIAN),
    "eigh": (0, HERMITIAN),
    "eigvalsh": (0, HERMITIAN),
    "ldl_factor": (0, HERMITIAN),
    "ldl_factor_ex": (0, HERMITIAN),
    "lobpcg": (0, HERMITIAN),
    "cholesky_inverse": (0, LOWER),
    "cholesky_solve": (1, LOWER),
    "ctc_loss": (0, "{0}.log_softmax(-1)"),
    "CTCLoss": (0, "{0}.log_softmax(-1)"),
}
"""Which argument is given in what form. Loss and gradient of CTC are those of normalised log probabilities (torch's
documentation of CTCLoss)."""

HERMITIAN_ON_REQUEST = frozenset({"pinv", "pinverse", "matrix_rank", "cond"})
"""Functions that take a matrix for hermitian where they are told so."""

GIVEN: dict[str, tuple[str, ...]] = {
    "eig": ("{}", "{}.abs()"),
    "eigh": ("{}", "{}.abs()"),
    "svd": ("{}.abs()", "{}", "{}.abs()"),
}
"""Of each result what does not depend on the phase of a vector."""


def taken(call: Call) -> list[tuple[int, str]]:
    """The tensors of a call that are given in a form, by number, with the form."""
    name = call["name"].rpartition(".")[2].rstrip("_")
    if name in HERMITIAN_ON_REQUEST and call["kwargs"].get("hermitian") is True:
        place, form = 0, HERMITIAN
    elif name in TAKEN:
        place, form = TAKEN[name]
    else:
        return []
    arguments = call["args"]
    if place >= len(arguments) or not isinstance(arguments[place], dict) or "tensor" not in arguments[place]:
        return []
    number = arguments[place]["tensor"]
    shape = call["tensors"][number]["shape"]
    if form == HERMITIAN and (len(shape) < 2 or shape[-1] != shape[-2]):
        return []
    if form == LOWER and (call["kwargs"].get("upper") is True or True in arguments[place + 1 :]):
        form = UPPER
    return [(number, form)] if len(shape) > 0 else []


def given(call: Call) -> tuple[str, ...]:
    """The forms of the results of a call; none where they are taken as they are."""
    name = call["name"].rpartition(".")[2]
    if name == "svd" and call["kwargs"].get("compute_uv") is False:
        return ()
    return GIVEN.get(name, ()) if call["library"] == "torch" else ()
