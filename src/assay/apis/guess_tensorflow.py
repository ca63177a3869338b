"""Calls of TensorFlow's operators to try: by an operator's name, or by its definition in the registry.

It is imported from beside by `probe_tensorflow`. A call is a text, the keyword arguments in parentheses, that uses the
short names of `seed_json.Helpers`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

TRIES = 60

# Shapes of the tensors of floats, the last one for all further tensors.
SHAPES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((3,),),
    ((2, 3),),
    ((3, 3),),
    ((),),
    ((1, 4, 4, 2),),
    ((2, 3), (3,)),
    ((2, 2, 3), (2, 3, 2)),
    ((1, 4, 4, 4, 2),),
    ((3, 3), (3, 2)),
    ((3,), ()),
    ((4, 4), (4,)),
)
TYPES = ("DT_DOUBLE", "DT_FLOAT", "DT_COMPLEX128", "DT_COMPLEX64")
WHOLE = ("DT_INT32", "DT_INT64")

# What an input of whole numbers of this name takes.
INPUTS: dict[str, list[str]] = {
    "shape": ["(2, 3)", "(3, 1)", "(6,)"],
    "size": ["(1, 2)", "(1,)", "(2, 2)"],
    "begin": ["(0, 1)", "(0,)"],
    "end": ["(2, 3)", "(2,)"],
    "strides": ["(1, 2)", "(1,)"],
    "multiples": ["(2, 1)", "(2,)"],
    "paddings": ["((1, 1), (0, 1))", "((1, 2),)"],
    "crops": ["((0, 0), (0, 0))"],
    "perm": ["(1, 0)", "(0,)"],
    "indices": ["(0, 2)", "((0,), (2,))", "((0, 1), (1, 2))"],
    "segment_ids": ["(0, 0, 1)", "(0, 1)"],
    "num_segments": ["2"],
    "k": ["2", "0", "1"],
    "n": ["1"],
    "axis": ["0", "(0,)", "1"],
    "seed": ["(1, 2)"],
    "shift": ["1", "(1,)"],
    "num_lower": ["0", "1"],
    "num_upper": ["0", "1"],
    "input_sizes": ["(1, 4, 4, 2)"],
    "dims": ["(True,)", "(True, False)"],
    "condition": ["(True, False, True)", "((True, False, True), (False, True, True))"],
}
ATTRIBUTES: dict[str, list[str]] = {
    "ksize": ["(1, 2, 2, 1)", "(1, 2, 2, 2, 1)"],
    "ksizes": ["(1, 2, 2, 1)", "(1, 2, 2, 2, 1)"],
    "strides": ["(1, 1, 1, 1)", "(1, 2, 2, 1)", "(1, 1, 1, 1, 1)"],
    "rates": ["(1, 1, 1, 1)"],
    "padding": ["'VALID'", "'SAME'"],
    "block_size": ["2"],
    "pooling_ratio": ["(1.0, 1.5, 1.5, 1.0)"],
    "equation": ["'ij,jk->ik'", "'i,i->'"],
    "num_split": ["3", "1"],
    "num": ["3", "2"],
    "N": ["2"],
    "shape": ["(3,)", "(2, 3)"],
    "mode": ["'REFLECT'", "'SYMMETRIC'"],
    "input_min": ["0.0"],
    "input_max": ["1.0"],
    "message": ["'m'"],
}
BY_TYPE: dict[str, list[str]] = {"int": ["1", "2"], "float": ["0.5"], "bool": ["False", "True"], "list(int)": ["(1,)"]}

POOLED = "ksize=(1, 2, 2, 1), strides=(1, 1, 1, 1), padding='VALID'"
VOLUME = "ksize=(1, 2, 2, 2, 1), strides=(1, 1, 1, 1, 1), padding='VALID'"
NORMED = "epsilon=0.01, is_training=True"
ROWS = "IM32([[0, 0], [1, 2]])"

# Operators whose arguments depend on each other.
GIVEN: dict[str, list[str]] = {
    "AvgPool3DGrad": [f"(orig_input_shape=I32(1, 3, 3, 3, 2), grad=F(1, 2, 2, 2, 2), {VOLUME})"],
    "AvgPoolGrad": [f"(orig_input_shape=I32(1, 3, 3, 2), grad=F(1, 2, 2, 2), {POOLED})"],
    "MaxPoolGrad": [f"(orig_input=F(1, 3, 3, 2), orig_output=F(1, 2, 2, 2), grad=F(1, 2, 2, 2), {POOLED})"],
    "MaxPoolGradGrad": [f"(orig_input=F(1, 3, 3, 2), orig_output=F(1, 2, 2, 2), grad=F(1, 3, 3, 2), {POOLED})"],
    "MaxPoolV2": ["(input=F(1, 3, 3, 2), ksize=I32(1, 2, 2, 1), strides=I32(1, 1, 1, 1), padding='VALID')"],
    "MaxPoolGradV2": [
        "(orig_input=F(1, 3, 3, 2), orig_output=F(1, 2, 2, 2), grad=F(1, 2, 2, 2), ksize=I32(1, 2, 2, 1), "
        "strides=I32(1, 1, 1, 1), padding='VALID')"
    ],
    "MaxPool3DGrad": [
        f"(orig_input=F(1, 3, 3, 3, 1), orig_output=F(1, 2, 2, 2, 1), grad=F(1, 2, 2, 2, 1), {VOLUME})"
    ],
    "MaxPool3DGradGrad": [
        f"(orig_input=F(1, 3, 3, 3, 1), orig_output=F(1, 2, 2, 2, 1), grad=F(1, 3, 3, 3, 1), {VOLUME})"
    ],
    "BandedTriangularSolve": ["(matrix=F(2, 3), rhs=F(3, 2))"],
    "BatchNormWithGlobalNormalization": [
        "(t=F(1, 2, 2, 3), m=F(3), v=F(3), beta=F(3), gamma=F(3), variance_epsilon=0.01, "
        "scale_after_normalization=True)"
    ],
    "BatchToSpace": ["(input=F(4, 2, 2, 1), crops=IM32([[0, 0], [1, 0]]), block_size=2)"],
    "BatchToSpaceND": ["(input=F(4, 2, 2, 1), block_shape=I32(2, 2), crops=IM32([[0, 0], [1, 0]]))"],
    "SpaceToBatch": ["(input=F(1, 2, 2, 1), paddings=IM32([[0, 0], [0, 0]]), block_size=2)"],
    "SpaceToBatchND": ["(input=F(1, 2, 4, 1), block_shape=I32(2, 2), paddings=IM32([[0, 0], [0, 0]]))"],
    "BlockLSTM": [
        "(seq_len_max=I0(2), x=F(2, 1, 3), cs_prev=F(1, 2), h_prev=F(1, 2), w=F(5, 8), wci=F(2), wcf=F(2), wco=F(2), "
        "b=F(8))"
    ],
    "BlockLSTMV2": [
        "(seq_len_max=I0(2), x=F(2, 1, 3), cs_prev=F(1, 2), h_prev=F(1, 2), w=F(5, 8), wci=F(2), wcf=F(2), wco=F(2), "
        "b=F(8))"
    ],
    "CTCLoss": [
        "(inputs=F(4, 1, 3), labels_indices=IM([[0, 0], [0, 1]]), labels_values=I32(0, 1), sequence_length=I32(4))"
    ],
    "CTCLossV2": [
        "(inputs=F(4, 1, 3), labels_indices=IM([[0, 0], [0, 1]]), labels_values=I32(1, 2), sequence_length=I32(4))"
    ],
    "Concat": ["(concat_dim=I320(0), values=[F(2), F(3)])", "(concat_dim=I320(1), values=[F(2, 1), F(2, 3)])"],
    "Conv2DBackpropFilter": [
        "(input=F(1, 4, 4, 2), filter_sizes=I32(2, 2, 2, 3), out_backprop=F(1, 3, 3, 3), strides=(1, 1, 1, 1), "
        "padding='VALID')"
    ],
    "Conv2DBackpropInput": [
        "(input_sizes=I32(1, 4, 4, 2), filter=F(2, 2, 2, 3), out_backprop=F(1, 3, 3, 3), strides=(1, 1, 1, 1), "
        "padding='VALID')"
    ],
    "Conv2D": ["(input=F(1, 4, 4, 2), filter=F(2, 2, 2, 3), strides=(1, 1, 1, 1), padding='VALID')"],
    "Conv3D": ["(input=F(1, 3, 3, 3, 2), filter=F(2, 2, 2, 2, 3), strides=(1, 1, 1, 1, 1), padding='VALID')"],
    "Conv3DBackpropFilterV2": [
        "(input=F(1, 3, 3, 3, 2), filter_sizes=I32(2, 2, 2, 2, 3), out_backprop=F(1, 2, 2, 2, 3), "
        "strides=(1, 1, 1, 1, 1), padding='VALID')"
    ],
    "Conv3DBackpropInputV2": [
        "(input_sizes=I32(1, 3, 3, 3, 2), filter=F(2, 2, 2, 2, 3), out_backprop=F(1, 2, 2, 2, 3), "
        "strides=(1, 1, 1, 1, 1), padding='VALID')"
    ],
    "CropAndResize": [
        "(image=F(1, 4, 4, 2), boxes=FM([[0.1, 0.1, 0.8, 0.9]]), box_ind=I32(0), crop_size=I32(3, 3))",
        "(image=F(2, 4, 4, 1), boxes=FM([[0.1, 0.1, 0.8, 0.9], [0.2, 0.0, 1.0, 0.7]]), box_ind=I32(1, 0), "
        "crop_size=I32(2, 3), method='nearest')",
    ],
    "DepthwiseConv2dNative": [
        "(input=F(1, 4, 4, 2), filter=F(2, 2, 2, 2), strides=(1, 1, 1, 1), padding='VALID')"
    ],
    "DepthwiseConv2dNativeBackpropFilter": [
        "(input=F(1, 4, 4, 2), filter_sizes=I32(2, 2, 2, 2), out_backprop=F(1, 3, 3, 4), strides=(1, 1, 1, 1), "
        "padding='VALID')"
    ],
    "DepthwiseConv2dNativeBackpropInput": [
        "(input_sizes=I32(1, 4, 4, 2), filter=F(2, 2, 2, 2), out_backprop=F(1, 3, 3, 4), strides=(1, 1, 1, 1), "
        "padding='VALID')"
    ],
    "Dilation2D": [
        "(input=F(1, 4, 4, 2), filter=F(2, 2, 2), strides=(1, 1, 1, 1), rates=(1, 1, 1, 1), padding='VALID')"
    ],
    "DynamicPartition": ["(data=F(3), partitions=I32(0, 1, 0), num_partitions=2)"],
    "DynamicStitch": ["(indices=[I32(0, 2), I32(1)], data=[F(2), F(1)])"],
    "ParallelDynamicStitch": ["(indices=[I32(0, 2), I32(1)], data=[F(2), F(1)])"],
    "Einsum": ["(inputs=[F(2, 3), F(3, 2)], equation='ij,jk->ik')", "(inputs=[F(3)], equation='i->')"],
    "EnsureShape": ["(input=F(3), shape=(3,))"],
    "ExtractVolumePatches": [
        "(input=F(1, 3, 3, 3, 1), ksizes=(1, 2, 2, 2, 1), strides=(1, 1, 1, 1, 1), padding='VALID')",
    ],
    "FFT3D": ["(input=C(2, 2, 3))"],
    "FractionalAvgPool": [
        "(value=F(1, 4, 4, 1), pooling_ratio=(1.0, 1.5, 1.5, 1.0), deterministic=True, seed=1, seed2=2)",
    ],
    "FractionalMaxPool": [
        "(value=F(1, 4, 4, 1), pooling_ratio=(1.0, 1.5, 1.5, 1.0), deterministic=True, seed=1, seed2=2)",
    ],
    "FusedBatchNorm": [f"(x=F(1, 2, 2, 3), scale=F(3), offset=F(3), mean=F(0), variance=F(0), {NORMED})"],
    "FusedBatchNormV2": [f"(x=F(1, 2, 2, 3), scale=F(3), offset=F(3), mean=F(0), variance=F(0), {NORMED})"],
    "FusedBatchNormV3": [f"(x=F(1, 2, 2, 3), scale=F(3), offset=F(3), mean=F(0), variance=F(0), {NORMED})"],
    "FusedBatchNormGrad": [
        f"(y_backprop=F(1, 2, 2, 3), x=F(1, 2, 2, 3), scale=F(3), reserve_space_1=F(3), reserve_space_2=F(3), {NORMED})"
    ],
    "FusedBatchNormGradV2": [
        f"(y_backprop=F(1, 2, 2, 3), x=F(1, 2, 2, 3), scale=F(3), reserve_space_1=F(3), reserve_space_2=F(3), {NORMED})"
    ],
    "FusedBatchNormGradV3": [
        "(y_backprop=F(1, 2, 2, 3), x=F(1, 2, 2, 3), scale=F(3), reserve_space_1=F(3), reserve_space_2=F(3), "
        f"reserve_space_3=F(0), {NORMED})"
    ],
    "GatherV2": ["(params=F(4), indices=I32(0, 2), axis=I320(0))", "(params=F(3, 4), indices=I32(0, 2), axis=I320(1))"],
    "ImageProjectiveTransformV2": [
        "(images=F(1, 4, 4, 1), transforms=FM([[1.0, 0.1, 0.2, 0.1, 1.0, 0.1, 0.0, 0.0]]), output_shape=I32(4, 4), "
        "interpolation='BILINEAR')"
    ],
    "ImageProjectiveTransformV3": [
        "(images=F(1, 4, 4, 1), transforms=FM([[1.0, 0.1, 0.2, 0.1, 1.0, 0.1, 0.0, 0.0]]), output_shape=I32(4, 4), "
        "fill_value=F(), interpolation='BILINEAR')"
    ],
    "Angle": ["(input=C(3), Tout=X('tf.float64'))"],
    "AvgPool3D": [f"(input=F(1, 3, 3, 3, 2), {VOLUME})"],
    "MaxPool3D": [f"(input=F(1, 3, 3, 3, 2), {VOLUME})"],
    "QuantizeAndDequantizeV3": ["(input=F(3), input_min=F(), input_max=FM(1.5), num_bits=I320(8), range_given=False)"],
    "IsotonicRegression": ["(input=F(2, 3))"],
    "MatrixDiagPartV2": [
        "(input=F(3, 3), k=I32(0), padding_value=F())",
        "(input=F(3, 3), k=I32(-1, 1), padding_value=F())",
    ],
    "MatrixDiagPartV3": [
        "(input=F(3, 3), k=I32(0), padding_value=F())",
        "(input=F(3, 3), k=I32(-1, 1), padding_value=F())",
    ],
    "MatrixDiagV2": ["(diagonal=F(3), k=I32(0), num_rows=I320(3), num_cols=I320(3), padding_value=F())"],
    "MatrixDiagV3": ["(diagonal=F(3), k=I32(1), num_rows=I320(4), num_cols=I320(4), padding_value=F())"],
    "MatrixSetDiag": ["(input=F(3, 3), diagonal=F(3))"],
    "MatrixSetDiagV2": ["(input=F(3, 3), diagonal=F(3), k=I32(0))"],
    "MatrixSetDiagV3": ["(input=F(3, 3), diagonal=F(2), k=I32(1))"],
    "MatrixSolveLs": ["(matrix=F(3, 2), rhs=F(3, 1), l2_regularizer=F())"],
    "MatrixBandPart": ["(input=F(3, 3), num_lower=I0(1), num_upper=I0(0))"],
    "Cholesky": ["(input=P(3))", "(input=P(2))"],
    "SelfAdjointEigV2": ["(input=P(3))", "(input=P(3), compute_v=False)"],
    "MatrixSquareRoot": ["(input=P(3))"],
    "Eig": ["(input=P(3), Tout=X('tf.complex128'))"],
    "MirrorPadGrad": ["(input=F(4), paddings=IM32([[1, 1]]), mode='REFLECT')"],
    "NthElement": ["(input=F(3), n=I320(1))"],
    "PadV2": ["(input=F(3), paddings=IM32([[1, 2]]), constant_values=F())"],
    "ResizeBicubic": ["(images=F(1, 3, 3, 1), size=I32(4, 5))"],
    "ResizeBilinear": ["(images=F(1, 3, 3, 1), size=I32(4, 5), half_pixel_centers=True)"],
    "ResizeNearestNeighbor": ["(images=F(1, 3, 3, 1), size=I32(4, 5))"],
    "ScaleAndTranslate": ["(images=F(1, 3, 3, 1), size=I32(4, 5), scale=F(2), translation=F(2))"],
    "ReverseSequence": ["(input=F(2, 3), seq_lengths=I32(1, 3), seq_dim=1)"],
    "ReverseV2": ["(tensor=F(2, 3), axis=I32(0))"],
    "Roll": ["(input=F(2, 3), shift=I32(1), axis=I32(1))"],
    "ScatterNd": ["(indices=IM32([[0], [2]]), updates=F(2), shape=I32(4))"],
    "ScatterNdNonAliasingAdd": ["(input=F(4), indices=IM32([[0], [2]]), updates=F(2))"],
    "SoftmaxCrossEntropyWithLogits": ["(features=F(2, 3), labels=F(2, 3))"],
    "SparseSoftmaxCrossEntropyWithLogits": ["(features=F(2, 3), labels=I32(0, 2))"],
    "SparseAdd": [
        "(a_indices=IM([[0], [2]]), a_values=F(2), a_shape=I(4), b_indices=IM([[1], [2]]), b_values=F(2), "
        "b_shape=I(4), thresh=F())"
    ],
    **{
        f"SparseDenseCwise{each}": [
            "(sp_indices=IM([[0, 0], [1, 2]]), sp_values=F(2), sp_shape=I(2, 3), dense=F(2, 3))"
        ]
        for each in ("Add", "Div", "Mul")
    },
    "SparseFillEmptyRows": [
        "(indices=IM([[0, 0], [2, 1]]), values=F(2), dense_shape=I(3, 2), default_value=F())"
    ],
    "SparseMatMul": ["(a=F(2, 3), b=F(3, 2))"],
    "SparseReduceSum": [
        "(input_indices=IM([[0, 0], [1, 2]]), input_values=F(2), input_shape=I(2, 3), reduction_axes=I32(0))"
    ],
    "SparseReorder": ["(input_indices=IM([[1, 2], [0, 0]]), input_values=F(2), input_shape=I(2, 3))"],
    **{
        f"SparseSegment{each}": ["(data=F(3, 2), indices=I32(0, 2), segment_ids=I32(0, 1))"]
        for each in ("Mean", "SqrtN", "Sum")
    },
    **{
        f"SparseSegment{each}WithNumSegments": [
            "(data=F(3, 2), indices=I32(0, 2), segment_ids=I32(0, 2), num_segments=I320(3))"
        ]
        for each in ("Mean", "SqrtN", "Sum")
    },
    "SparseSlice": ["(indices=IM([[0, 0], [1, 2]]), values=F(2), shape=I(2, 3), start=I(0, 0), size=I(2, 2))"],
    "SparseSoftmax": ["(sp_indices=IM([[0, 0], [0, 2], [1, 1]]), sp_values=F(3), sp_shape=I(2, 3))"],
    **{
        f"SparseSparse{each}": [
            "(a_indices=IM([[0], [2]]), a_values=F(2), a_shape=I(4), b_indices=IM([[1], [2]]), b_values=F(2), "
            "b_shape=I(4))"
        ]
        for each in ("Maximum", "Minimum")
    },
    "SparseTensorDenseAdd": ["(a_indices=IM([[0, 0], [1, 2]]), a_values=F(2), a_shape=I(2, 3), b=F(2, 3))"],
    "SparseTensorDenseMatMul": ["(a_indices=IM([[0, 0], [1, 2]]), a_values=F(2), a_shape=I(2, 3), b=F(3, 2))"],
    "SparseToDense": ["(sparse_indices=IM([[0], [2]]), output_shape=I(4), sparse_values=F(2), default_value=F())"],
    "SplitV": ["(value=F(3), size_splits=I32(1, 2), axis=I320(0), num_split=2)"],
    "Split": ["(axis=I320(0), value=F(4), num_split=2)"],
    "StatelessRandomGammaV2": ["(shape=I32(3), seed=I32(1, 2), alpha=F(3))"],
    "StatelessRandomGammaV3": ["(shape=I32(3), key=U(1), counter=U(0, 0), alg=I320(1), alpha=F(3))"],
    "StatelessParameterizedTruncatedNormal": [
        "(shape=I32(3), seed=I32(1, 2), means=F(3), stddevs=F(3), minvals=FM([-1.0, -1.0, -1.0]), "
        "maxvals=FM([2.0, 2.0, 2.0]))"
    ],
    "StridedSliceGrad": ["(shape=I32(4), begin=I32(0), end=I32(3), strides=I32(2), dy=F(2))"],
    "TensorStridedSliceUpdate": ["(input=F(4), begin=I32(0), end=I32(3), strides=I32(2), value=F(2))"],
    **{
        f"TensorScatter{each}": [
            "(tensor=F(4), indices=IM32([[0], [2]]), updates=F(2))",
            "(tensor=F(4), indices=IM32([[1], [1]]), updates=F(2))",
        ]
        for each in ("Add", "Sub", "Max", "Min", "Update")
    },
    "TridiagonalMatMul": ["(superdiag=F(1, 3), maindiag=F(1, 3), subdiag=F(1, 3), rhs=F(3, 2))"],
    "TridiagonalSolve": [
        "(diagonals=F(3, 3), rhs=F(3, 2))",
        "(diagonals=F(3, 3), rhs=F(3, 2), partial_pivoting=False)",
    ],
    "QuantizeAndDequantizeV4Grad": ["(gradients=F(3), input=F(3), input_min=F(), input_max=F())"],
    "RGBToHSV": ["(images=F(2, 2, 3))"],
    "SpaceToDepth": ["(input=F(1, 2, 2, 1), block_size=2)"],
    "DepthToSpace": ["(input=F(1, 1, 2, 4), block_size=2)"],
    "IRFFT": ["(input=C(3), fft_length=I32(4), Treal=X('tf.float64'))"],
    "IRFFT2D": ["(input=C(3, 3), fft_length=I32(3, 4), Treal=X('tf.float64'))"],
    "RFFT": ["(input=F(4), fft_length=I32(4), Tcomplex=X('tf.complex128'))"],
    "RFFT2D": ["(input=F(3, 4), fft_length=I32(3, 4), Tcomplex=X('tf.complex128'))"],
    "LRN": ["(input=F32(1, 2, 2, 4))"],
    "Polygamma": ["(a=FM([1.0, 2.0, 1.0]), x=F(3))"],
    "Zeta": ["(x=FM([1.5, 2.0, 3.0]), q=F(3))"],
    "BroadcastTo": ["(input=F(3), shape=I32(2, 3))", "(input=F(2, 1), shape=I32(2, 3))"],
    "RaggedGather": [
        "(params_nested_splits=[I(0, 1, 3)], params_dense_values=F(3), indices=I32(1, 0), OUTPUT_RAGGED_RANK=1)"
    ],
    "RaggedTensorToTensor": [
        "(shape=I(2, 3), values=F(3), default_value=F(), row_partition_tensors=[I(0, 1, 3)], "
        "row_partition_types=['ROW_SPLITS'])"
    ],
    "RaggedTensorToSparse": ["(rt_nested_splits=[I(0, 1, 3)], rt_dense_values=F(3))"],
    "RaggedFillEmptyRows": ["(value_rowids=I(0, 2, 2), values=F(3), nrows=I0(4), default_value=F())"],
    "RandomGamma": ["(shape=I32(3), alpha=F(3), seed=1, seed2=2)"],
}  # fmt: skip


def by_definition(definition: Any, signature: inspect.Signature, type_name: Any) -> Iterator[str]:
    """Texts of calls by an operator's definition. ``type_name`` gives the name of a type's number."""
    attributes = {each.name: each for each in definition.attr}
    inputs = {each.name: each for each in definition.input_arg}
    # What is no attribute is an input, in order where the public name is another than the definition's.
    places = [name for name in signature.parameters if name not in attributes and name != "name"]
    if set(places) != set(inputs):
        inputs = dict(zip(places, inputs.values(), strict=False))
    counted: list[str] = []
    for chosen_types in _types(attributes, type_name):
        for shapes in SHAPES:
            pools = []
            floats = 0
            for name, parameter in signature.parameters.items():
                if name == "name":
                    continue
                if name in inputs:
                    options, number = _input(
                        name, inputs[name], chosen_types, shapes[min(floats, len(shapes) - 1) :], type_name
                    )
                    floats += number
                elif parameter.default is not inspect.Parameter.empty:
                    continue
                else:
                    options = _attribute(attributes.get(name), chosen_types)
                if not options:
                    return
                pools.append([f"{name}={each}" for each in options])
            counted += [f"({', '.join(each)})" for each in itertools.islice(itertools.product(*pools), 8)]
    yield from list(dict.fromkeys(counted))[:TRIES]


def _types(attributes: dict[str, Any], type_name: Any) -> Iterator[dict[str, str]]:
    """A type for each attribute that is one: floats first where they are allowed."""
    for wanted in TYPES[:3]:
        chosen = {}
        for name, each in attributes.items():
            if each.type != "type":
                continue
            allowed = [type_name(number) for number in each.allowed_values.list.type]
            order = (wanted, *TYPES, *WHOLE)
            chosen[name] = next((one for one in order if not allowed or one in allowed), "")
        yield chosen
        if wanted not in chosen.values():
            return


def _input(name: str, stated: Any, types: dict[str, str], shapes: Any, type_name: Any) -> tuple[list[str], int]:
    """Texts for an input, and how many tensors of floats it takes."""
    kind = types.get(stated.type_attr) if stated.type_attr else type_name(stated.type) if stated.type else "DT_DOUBLE"
    dtype = str(kind).removeprefix("DT_").lower().replace("double", "float64")
    dtype = {"float": "float32"}.get(dtype, dtype)
    if dtype in ("float64", "float32", "complex128", "complex64"):
        maker = f"T('{dtype}', {shapes[0]})"
        number = 2 if stated.number_attr or stated.type_list_attr else 1
        if number == 2:
            return [f"[{maker}, T('{dtype}', {shapes[min(1, len(shapes) - 1)]})]"], 2
        return [maker], 1
    if dtype in ("int32", "int64", "bool"):
        values = INPUTS.get(
            stated.name, ["0", "(0,)", "(0, 1)"] if dtype != "bool" else ["True", "(True, False, True)"]
        )
        return [f"V('{dtype}', {each})" for each in values], 0
    return [], 0


def _attribute(stated: Any, types: dict[str, str]) -> list[str]:
    if stated is None:
        return []
    if stated.type == "type":
        kind = types[stated.name].removeprefix("DT_").lower().replace("double", "float64")
        return [f"X('tf.{ {'float': 'float32'}.get(kind, kind) }')"]
    if stated.type == "string" and stated.allowed_values.list.s:
        return [repr(each.decode()) for each in stated.allowed_values.list.s]
    return ATTRIBUTES.get(stated.name) or BY_TYPE.get(stated.type, [])


def by_signature(function: Any) -> Iterator[str]:
    """Texts of calls by a function's signature: what is required, as arrays of floats or as the name says."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    required = [each for each in parameters if each.default is inspect.Parameter.empty]
    if any(each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD) for each in required):
        return
    counted = []
    for shapes in SHAPES:
        remaining = iter((*shapes, *(shapes[-1:] * len(required))))
        pools = []
        for each in required:
            if each.name in INPUTS and each.name != "n":
                options = [f"V('int32', {value})" for value in INPUTS[each.name]]
            else:
                options = ATTRIBUTES.get(each.name) or [f"T('float64', {next(remaining)})"]
            pools.append([f"{each.name}={option}" for option in options])
        counted += [f"({', '.join(each)})" for each in itertools.islice(itertools.product(*pools), 8)]
    yield from list(dict.fromkeys(counted))[:TRIES]
