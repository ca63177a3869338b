"""view.t, matmul.mv on onnxruntime: wrong value of output 0: 2 of 2 elements differ (float32[2], exact arithmetic); largest difference 1 at [0]: eager 2, target 1

Found with onnxruntime 1.31.1, onnx 1.23.2. Options: level='all'.
"""

import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def model():
    nodes = [
        helper.make_node("Transpose", ["y"], ["a"], perm=[1, 0]),
        helper.make_node("MatMul", ["a", "x"], ["b"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, [2]),
    ]
    initializers = [
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 25)]
    return helper.make_model(graph, ir_version=13, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([1.0, 1.0], "float32"),
        "y": np.array([[0.0, 1.0], [2.0, 3.0]], "float32"),
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
    return session(model, "ORT_DISABLE_ALL")


def compile_model(model):
    return session(model, "ORT_ENABLE_ALL")


def main():
    print(*versions())
    serialised = model().SerializeToString()
    expected, actual = reference(serialised)(inputs()), compile_model(serialised)(inputs())
    expected, actual = expected[0], actual[0]
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 2 of 2 elements differ (float32[2], exact arithmetic); largest difference 1 at [0]: eager 2, target 1')
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
