"""reduce.prod, unary.clamp, index.take on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=3010936384 must be within the in...

Found with onnxruntime 1.31.1, onnx 1.23.2. Options: level='disabled'.
"""

import math
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx.reference import ReferenceEvaluator
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0):
    """Element k is low + step * ((k * multiplier + offset) % modulus)."""
    k = (np.arange(math.prod(shape)) * multiplier + offset) % modulus
    return np.asarray(low + step * k).astype(dtype).reshape(shape)


def model():
    nodes = [
        helper.make_node("ReduceProd", ["x", "k1"], ["a"], keepdims=0),
        helper.make_node("Clip", ["a", "k3", "k4"], ["b"]),
        helper.make_node("Reshape", ["a", "k6"], ["t7"]),
        helper.make_node("Gather", ["t7", "b"], ["c"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.INT64, [7, 6, 6, 6]),
    ]
    outputs = [
        helper.make_tensor_value_info("c", TensorProto.INT64, [7, 6, 6]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([-3], "int64"), "k1"),
        numpy_helper.from_array(np.array(-252, "int64"), "k3"),
        numpy_helper.from_array(np.array(0, "int64"), "k4"),
        numpy_helper.from_array(np.array([-1], "int64"), "k6"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": fill((7, 6, 6, 6), "int64", -60, 7, 18, 7, 16),
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
    return lambda feeds: made.run(None, {name: feeds[name] for name in feeds if name in taken})


def reference(model):
    """ONNX's own implementation of its operators."""
    evaluator = ReferenceEvaluator(model)
    return lambda feeds: evaluator.run(None, feeds)


def compile_model(model):
    return session(model, "ORT_DISABLE_ALL")


def main():
    print(*versions())
    serialised = model().SerializeToString()
    reference(serialised)(inputs())
    try:
        compiled = compile_model(serialised)
        compiled(inputs())
    except Exception as error:
        if ": INVALID_ARGUMENT : Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds," not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print("BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=3010936384 must be within the in...")
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
