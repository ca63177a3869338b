"""conv.conv_transpose2d on openvino: wrong value of call 1, output 0: 1 of 1 elements differ (float32[1, 1, 1], exact arithmetic); largest difference 1 at [0, 0, 0]: eager 2, target 3

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
    nodes = [
        helper.make_node("Unsqueeze", ["x", "k1"], ["t2"]),
        helper.make_node("ConvTranspose", ["t2", "y", "z"], ["t3"], kernel_shape=[1, 1], strides=[1, 1], pads=[0, 0, 0, 0], dilations=[1, 1], group=1, output_padding=[0, 0]),
        helper.make_node("Squeeze", ["t3", "k1"], ["a"]),
    ]
    inputs = [
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 1, 1]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([0], "int64"), "k1"),
        numpy_helper.from_array(np.array([[[1.0]]], "float32"), "x"),
        numpy_helper.from_array(np.array([[[[1.0]]]], "float32"), "y"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    if call == 0:
        return {
            "z": np.array([1.0], "float32"),
        }
    return {
        "z": np.array([1.0], "float32"),
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
    for call in range(1):
        compiled(inputs(call))
    actual = compiled(inputs(1))[0]
    expected = np.array([2.0], "float32").reshape((1, 1, 1))
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of call 1, output 0: 1 of 1 elements differ (float32[1, 1, 1], exact arithmetic); largest difference 1 at [0, 0, 0]: eager 2, target 3')
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
