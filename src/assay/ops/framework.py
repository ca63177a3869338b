"""Local error rules of torch operations that no specification names: what casts, copies and creates, and what backward
formulas and other ways to the same operation are made of. Rules of the operations that a specification dispatches to
stand there, and go first.
"""

from __future__ import annotations

from functools import cache

from assay.ops.catalogue import load
from assay.ops.errors import ADDED, PINNED, SELECTS, WRITTEN, ErrorRule, moves, rounded, rules_of, smooth, steps, sums

_TABLE: tuple[tuple[ErrorRule, str], ...] = (
    # Views as copies, which is what functionalisation and vmap make of them, and what writes into a part of a copy.
    (
        moves(),
        "_neg_view_copy _reshape_copy _unsafe_view alias_copy diagonal_copy expand_copy lift_fresh_copy narrow_copy"
        " permute_copy select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy transpose_copy"
        " unbind_copy unfold_copy unsqueeze_copy view_copy view_as_real_copy view_as_complex_copy resize set"
        " as_strided as_strided_scatter diagonal_scatter select_scatter slice_scatter squeeze transpose unsqueeze",
    ),
    # Moves that other forms of an operator, or another layout of its operands, dispatch to.
    (
        moves(),
        "_conj_physical block_diag channel_shuffle clamp_max clamp_min masked_scatter masked_scatter_backward"
        " max_unpool2d max_unpool3d native_channel_shuffle",
    ),
    (WRITTEN, "masked_select"),
    (ADDED, "_index_put_impl _unsafe_index_put"),
    # Creation: nothing but sizes and samples decides.
    (
        PINNED,
        "_efficientzerotensor bernoulli detach empty empty_like empty_strided full native_dropout new_empty"
        " new_empty_strided new_full new_ones new_zeros normal ones rand randint randn randperm tril_indices"
        " triu_indices uniform zeros",
    ),
    (rounded(1.0), "scalar_tensor"),
    # Pieces of backward formulas and of composite operators.
    (steps(), "isinf sgn"),
    (steps(0, 1), "equal isin lcm nextafter nonzero searchsorted"),
    (rounded(1.0), "frexp ldexp rad2deg"),
    (rounded(8.0), "acosh angle polar"),
    (rounded(16.0, one=1.0), "polygamma"),
    (SELECTS, "adaptive_max_pool3d mode nanmedian"),
    (ADDED, "adaptive_max_pool3d_backward"),
    # Sums by other names, for operands of other ranks or layouts.
    (sums(), "addbmm addmv addr mkldnn_linear nansum trace vdot"),
    (sums(each=2.0, inside=3.0), "upsample_trilinear3d"),
    (sums(narrow=True, each=2.0), "upsample_trilinear3d_backward"),
    # Factors and solutions of matrices, by elimination and by rotations.
    (
        smooth(16.0, operand=1.0),
        "_linalg_det _linalg_slogdet _linalg_solve_ex cholesky cholesky_inverse cholesky_solve geqrf linalg_cholesky_ex"
        " linalg_householder_product linalg_inv_ex linalg_lstsq linalg_lu linalg_lu_factor_ex linalg_lu_solve"
        " linalg_matrix_exp linalg_qr linalg_solve_triangular lu_unpack ormqr triangular_solve",
    ),
    # Of vectors the error is relative to their length, over how far values are apart.
    (smooth(16.0, one=4.0), "_linalg_eigh _linalg_svd"),
    (smooth(64.0, one=1.0), "linalg_pinv"),
    # A transform is linear, and its terms have any sign: what eager gives for magnitudes bounds nothing.
    (smooth(8.0, operand=1.0), "_fft_c2c _fft_c2r _fft_r2c"),
    # Norms by other names.
    (
        smooth(4.0, inside=3.0, centred=1),
        "_native_batch_norm_legit _native_batch_norm_legit_functional _native_batch_norm_legit_no_training",
    ),
    (smooth(4.0, inside=2.0), "batch_norm_backward"),
    (smooth(4.0), "_fused_rms_norm_backward std_mean var_mean"),
)


def _framework() -> dict[str, ErrorRule]:
    return {name: rule for rule, names in _TABLE for name in names.split()}


@cache
def error_rules() -> dict[str, list[object]]:
    """Every rule by the name of the torch operation, as a worker takes it; what a specification states goes first."""
    rules = {**_framework(), **rules_of(load().values())}
    return {name: rule.to_json() for name, rule in rules.items()}
