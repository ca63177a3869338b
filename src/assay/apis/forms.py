"""What a function takes for granted of its tensors, and what of its results does not depend on a choice of its own.

A function that reads one triangle of a symmetric matrix has the gradient of a symmetric one, and eigenvectors are given
up to a factor of modulus one: only of such forms are numerical derivatives those of the function. One table, by the
last parts of the names of torch and the whole names of other libraries.
"""

from __future__ import annotations

from assay.apis.seeds import Call

HERMITIAN, LOWER, UPPER, NORMALISED, SIZE, ITSELF = "hermitian", "lower", "upper", "normalised", "size", "itself"
DISTRIBUTION = "distribution"

WRITTEN: dict[str, dict[str, str]] = {
    "torch": {
        HERMITIAN: "({0} + {0}.mH) / 2",
        # The diagonal of a Cholesky factor is real.
        LOWER: "{0}.tril(-1) + {0}.diagonal(dim1=-2, dim2=-1).real.diag_embed()",
        UPPER: "{0}.triu(1) + {0}.diagonal(dim1=-2, dim2=-1).real.diag_embed()",
        NORMALISED: "{0}.log_softmax(-1)",
        SIZE: "{0}.abs()",
    },
    "jax": {
        HERMITIAN: "({0} + {0}.mT.conj()) / 2",
        SIZE: "abs({0})",
    },
    "tensorflow": {
        HERMITIAN: "({0} + tf.linalg.adjoint({0})) / 2",
        DISTRIBUTION: "tf.nn.softmax({0})",
        SIZE: "abs({0})",
    },
}
"""How a form is written in each library."""

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
    "ctc_loss": (0, NORMALISED),
    "CTCLoss": (0, NORMALISED),
}
"""Which argument is given in what form. Loss and gradient of CTC are those of normalised log probabilities (torch's
documentation of CTCLoss)."""

HERMITIAN_ON_REQUEST = frozenset({"pinv", "pinverse", "matrix_rank", "cond"})
"""Functions that take a matrix for hermitian where they are told so."""

GIVEN: dict[str, tuple[str, ...]] = {
    "eig": (ITSELF, SIZE),
    "eigh": (ITSELF, SIZE),
    "svd": (SIZE, ITSELF, SIZE),
}
"""Of each result what does not depend on the phase of a vector."""


ELSEWHERE_TAKEN: dict[str, dict[str, tuple[int | str, str]]] = {
    "jax": {
        "jax.lax.linalg.cholesky": (0, HERMITIAN),
        "jax.lax.linalg.eigh": (0, HERMITIAN),
        "jax.numpy.linalg.cholesky": (0, HERMITIAN),
        "jax.scipy.linalg.cho_factor": (0, HERMITIAN),
        "jax.scipy.linalg.cholesky": (0, HERMITIAN),
        "jax.scipy.linalg.eigh": (0, HERMITIAN),
        "jax.scipy.sparse.linalg.cg": (0, HERMITIAN),
    },
    "tensorflow": {
        "tf.linalg.cholesky": (0, HERMITIAN),
        "tf.linalg.eigh": (0, HERMITIAN),
        "tf.linalg.eigvalsh": (0, HERMITIAN),
        "tf.linalg.logdet": (0, HERMITIAN),
        "tf.nn.softmax_cross_entropy_with_logits": ("labels", DISTRIBUTION),
        "tf.raw_ops.SoftmaxCrossEntropyWithLogits": ("labels", DISTRIBUTION),
        "tf.raw_ops.Cholesky": ("input", HERMITIAN),
        "tf.raw_ops.SelfAdjointEigV2": ("input", HERMITIAN),
    },
}
ELSEWHERE_GIVEN: dict[str, dict[str, tuple[str, ...]]] = {
    "jax": {
        "jax.lax.linalg.eig": (ITSELF, SIZE, SIZE),
        "jax.lax.linalg.eigh": (SIZE, ITSELF),
        "jax.lax.linalg.svd": (SIZE, ITSELF, SIZE),
        "jax.numpy.linalg.eig": (ITSELF, SIZE),
        "jax.numpy.linalg.eigh": (ITSELF, SIZE),
        "jax.numpy.linalg.svd": (SIZE, ITSELF, SIZE),
        "jax.scipy.linalg.eigh": (ITSELF, SIZE),
        "jax.scipy.linalg.svd": (SIZE, ITSELF, SIZE),
    },
    "tensorflow": {
        "tf.eig": (ITSELF, SIZE),
        "tf.linalg.eig": (ITSELF, SIZE),
        "tf.linalg.eigh": (ITSELF, SIZE),
        "tf.linalg.svd": (ITSELF, SIZE, SIZE),
        "tf.raw_ops.Eig": (ITSELF, SIZE),
        "tf.raw_ops.SelfAdjointEigV2": (ITSELF, SIZE),
        "tf.raw_ops.Svd": (ITSELF, SIZE, SIZE),
    },
}
"""The same by whole names, arguments by keyword or the first."""

VALUES_ONLY = ("compute_uv", "compute_v", "eigvals_only")
"""Arguments that say whether there are vectors."""


def taken(call: Call) -> list[tuple[int, str]]:
    """The tensors of a call that are given in a form, by number, with the form as the library writes it."""
    library, arguments = call["library"], call["args"]
    if library != "torch":
        asked = (0, HERMITIAN) if call["kwargs"].get("hermitian") is True else ("", ITSELF)
        place, form = ELSEWHERE_TAKEN[library].get(call["name"], asked)
        first = arguments[0] if arguments else next(iter(call["kwargs"].values()), None)
        value = call["kwargs"].get(place) if isinstance(place, str) else first
        if not isinstance(value, dict) or "tensor" not in value:
            return []
        return _written(call, value["tensor"], form)
    name = call["name"].rpartition(".")[2].rstrip("_")
    if name in HERMITIAN_ON_REQUEST and call["kwargs"].get("hermitian") is True:
        place, form = 0, HERMITIAN
    elif name in TAKEN:
        place, form = TAKEN[name]
    else:
        return []
    if place >= len(arguments) or not isinstance(arguments[place], dict):
        return []
    if "tensor" not in arguments[place]:
        return []
    if form == LOWER and (call["kwargs"].get("upper") is True or True in arguments[place + 1 :]):
        form = UPPER
    return _written(call, arguments[place]["tensor"], form)


def _least_beside_more(call: Call) -> int:
    """The smaller size of the matrix of a full decomposition that has vectors beyond it; else 0."""
    second = next((each for each in call["args"][1:2] if isinstance(each, bool)), None)
    if "linalg" in call["name"]:
        full = call["kwargs"].get("full_matrices", second is not False)
    else:
        full = not call["kwargs"].get("some", second is not False)
    rows, columns = call["tensors"][0]["shape"][-2:]
    return min(rows, columns) if full and rows != columns else 0


def _of_the_first(count: int, adjoint: bool) -> tuple[str, ...]:
    """Of the vectors beyond the smaller size there is no gradient, and no choice of them is anybody's (torch
    documentation of torch.svd, ``some``)."""
    right = f"{{0}}[..., :{count}, :].abs()" if adjoint else f"{{0}}[..., :{count}].abs()"
    return f"{{0}}[..., :{count}].abs()", "{0}", right


def _written(call: Call, number: int, form: str) -> list[tuple[int, str]]:
    shape = call["tensors"][number]["shape"]
    if form == HERMITIAN and (len(shape) < 2 or shape[-1] != shape[-2]):
        return []
    return [(number, WRITTEN[call["library"]][form])] if len(shape) > 0 else []


def given(call: Call) -> tuple[str, ...]:
    """The forms of the results of a call, as the library writes them; none where they are taken as they are."""
    library = call["library"]
    if library == "torch":
        name = call["name"].rpartition(".")[2]
        forms = () if name == "svd" and call["kwargs"].get("compute_uv") is False else GIVEN.get(name, ())
        if name == "svd" and forms and (least := _least_beside_more(call)):
            return _of_the_first(least, "linalg" in call["name"])
    elif any(call["kwargs"].get(name) is (name == "eigvals_only") for name in VALUES_ONLY):
        forms = ()
    else:
        forms = ELSEWHERE_GIVEN[library].get(call["name"], ())
    return tuple(WRITTEN[library].get(form, "{0}") for form in forms)
