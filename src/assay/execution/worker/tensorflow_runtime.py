"""Differentiates a case under TensorFlow. The server imports TensorFlow and executes no operation: the threads of its
context would not be in what is forked."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import warnings
from typing import Any

from . import differentiating
from .differentiating import in_child, settle
from .stage import StageBoard

__all__ = ["execute", "in_child", "modules", "settle", "start"]

modules: dict[str, Any] = {}
IMPORTED = (
    "tensorflow.python.eager.forwardprop",
    "tensorflow.python.ops.parallel_for.pfor",
    "tensorflow.python.compiler.xla.xla",
    "tensorflow.python.ops.while_v2",
    "tensorflow.python.ops.cond_v2",
)
"""What TensorFlow imports when it is first asked for: loaded once, before any fork."""


def start(folder: str) -> dict[str, Any]:
    """Import TensorFlow. Raises ImportError."""
    os.environ.update(
        TF_CPP_MIN_LOG_LEVEL="3",
        CUDA_VISIBLE_DEVICES="",
        XLA_FLAGS=differentiating.XLA_FLAGS,
        TF_ENABLE_ONEDNN_OPTS="0",
    )
    warnings.simplefilter("ignore")
    import tensorflow as tf

    tf.get_logger().setLevel(logging.CRITICAL)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    return {"version": tf.__version__, "options": {"threads": 1}}


def execute(request: dict[str, Any], board: StageBoard) -> tuple[dict[str, Any], list[bytes]]:
    """Differentiate one case; the header and the buffers of its outcome frame."""
    from .tensorflow_derivatives import answer

    return differentiating.execute(request, board, answer)
