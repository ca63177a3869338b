"""no operator on openvino: wrong value of output 0: 1 of 1 elements differ (float32[], exact arithmetic); largest difference 1.0384772e+34: eager 1, target 1.0384772e+34

Found with openvino 2026.4.1. Options: defaults.
"""

import sys

try:
    import numpy as np
    import openvino
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def model():
    block0 = helper.make_graph(
        [
            helper.make_node("Identity", ["p3"], ["t4"]),
            helper.make_node("Identity", ["x"], ["t5"]),
        ],
        "block0",
        [
            helper.make_tensor_value_info("b", TensorProto.INT64, []),
            helper.make_tensor_value_info("p3", TensorProto.BOOL, []),
            helper.make_tensor_value_info("c", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("t4", TensorProto.BOOL, []),
            helper.make_tensor_value_info("t5", TensorProto.FLOAT, []),
        ],
        [],
    )
    nodes = [
        helper.make_node("Loop", ["k6", "", "x"], ["a"], body=block0),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, []),
    ]
    initializers = [
        numpy_helper.from_array(np.array(0, "int64"), "k6"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 26)]
    return helper.make_model(graph, ir_version=13, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array(1.0, "float32"),
    }


def versions():
    return "openvino", openvino.__version__


def compile_model(model):
    core = openvino.Core()
    network = core.read_model(model, b"")
    settings = {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1, 'NUM_STREAMS': 1}
    compiled = core.compile_model(network, "CPU", settings)
    request = compiled.create_infer_request()

    def run(feeds):
        for entry in compiled.inputs:
            (name,) = entry.get_names() & feeds.keys()
            request.set_tensor(entry, openvino.Tensor(np.ascontiguousarray(feeds[name]).reshape(feeds[name].shape)))
        request.infer()
        return [request.get_output_tensor(k).data.copy() for k in range(len(compiled.outputs))]

    return run


def main():
    print(*versions())
    serialised = model().SerializeToString()
    compiled = compile_model(serialised)
    actual = compiled(inputs())[0]
    expected = np.array([1.0], "float32").reshape(())
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 1 of 1 elements differ (float32[], exact arithmetic); largest difference 1.0384772e+34: eager 1, target 1.0384772e+34')
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
