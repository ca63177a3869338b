"""pad.constant, pool.max_pool2d on onnxruntime: wrong value of output 0: 1 of 1 elements differ (float32[1, 1, 1, 1], exact arithmetic); largest difference 0.5 at [0, 0, 0, 0]: eager 0, target -0.5

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
        helper.make_node("Pad", ["x", "k1"], ["a"]),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 1, 1, 1]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([0, 0, 0, 1, 0, 0, 0, 0], "int64"), "k1"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([[[[-1.0], [-0.5]]]], "float32"),
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
    compiled = compile_model(serialised)
    actual = compiled(inputs())[0]
    expected = reference(serialised)(inputs())[0]
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 1 of 1 elements differ (float32[1, 1, 1, 1], exact arithmetic); largest difference 0.5 at [0, 0, 0, 0]: eager 0, target -0.5')
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
