"""view.permute, cast.to, activation.hardshrink on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running If node. Name:'' Status Message: Non-zero status code returned while running Cast node. Name:'' Status Message: /onnxrunt...

Found with onnxruntime 1.31.1, onnx 1.23.2. Options: level='extended'.
"""

import ctypes
import sys

try:
    import ml_dtypes  # noqa: F401 -- makes bfloat16 a dtype of numpy's
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def model():
    block0 = helper.make_graph(
        [
            helper.make_node("Identity", ["d"], ["t5"]),
        ],
        "block0",
        [],
        [
            helper.make_tensor_value_info("t5", TensorProto.BFLOAT16, [1]),
        ],
        [],
    )
    block1 = helper.make_graph(
        [
            helper.make_node("Cast", ["d"], ["t6"], to=TensorProto.FLOAT),
            helper.make_node("Shrink", ["t6"], ["t7"], bias=0.0, lambd=0.5),
            helper.make_node("Cast", ["t7"], ["f"], to=TensorProto.BFLOAT16),
        ],
        "block1",
        [],
        [
            helper.make_tensor_value_info("f", TensorProto.BFLOAT16, [1]),
        ],
        [],
    )
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0]),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["c"], ["d"], to=TensorProto.BFLOAT16),
        helper.make_node("If", ["v6"], ["e"], then_branch=block0, else_branch=block1),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.BFLOAT16, [1]),
        helper.make_tensor_value_info("v6", TensorProto.BOOL, []),
    ]
    outputs = [
        helper.make_tensor_value_info("e", TensorProto.BFLOAT16, [1]),
    ]
    initializers = [
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([1.0], "bfloat16"),
        "v6": np.array(False, "bool"),
    }


def versions():
    return "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__


def session(model, level, without=(), memory_pattern=True):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = memory_pattern
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    made = onnxruntime.InferenceSession(model, options, providers, disabled_optimizers=without)
    taken = {each.name for each in made.get_inputs()}
    return lambda feeds: run(made, {name: feeds[name] for name in feeds if name in taken})


def run(made, feeds):
    """onnxruntime knows bfloat16, numpy does not: it goes by its bits."""
    value_of = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type
    types = {"bfloat16": TensorProto.BFLOAT16}
    given = {}
    for name, array in feeds.items():
        raw = array.view("uint16") if str(array.dtype) == "bfloat16" else array
        given[name] = value_of(raw, types.get(str(array.dtype)) or helper.np_dtype_to_tensor_dtype(array.dtype))
    found = []
    for value in made.run_with_ort_values(None, given):
        if value.data_type() == "tensor(bfloat16)":
            data = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes()) if 0 not in value.shape() else b""
            found.append(np.frombuffer(data, "bfloat16").reshape(value.shape()))
        else:
            found.append(value.numpy())
    return found


def reference(model):
    return session(model, "ORT_DISABLE_ALL")


def compile_model(model):
    return session(model, "ORT_ENABLE_EXTENDED")


def main():
    print(*versions())
    serialised = model().SerializeToString()
    reference(serialised)(inputs())
    try:
        compiled = compile_model(serialised)
        compiled(inputs())
    except Exception as error:
        if ": FAIL : Non-zero status code returned while running If node. Name:'" not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print("BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running If node. Name:'' Status Message: Non-zero status code returned while running Cast node. Name:'' Status Message: /onnxrunt...")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
