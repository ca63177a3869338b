"""pool.max_pool2d_with_indices on openvino: wrong shape of output 0: eager [1, 1, 1], target [1, 1, 2]

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
        helper.make_node("MaxPool", ["t2"], ["t3", "t4"], kernel_shape=[1, 1], strides=[4, 4], ceil_mode=1),
        helper.make_node("Mod", ["t4", "k5"], ["t6"]),
        helper.make_node("Squeeze", ["t3", "k1"], ["a"]),
        helper.make_node("Squeeze", ["t6", "k1"], ["b"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2]),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [1, 1, 1]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([0], "int64"), "k1"),
        numpy_helper.from_array(np.array([2], "int64"), "k5"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 24)]
    return helper.make_model(graph, ir_version=12, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([[[1.0, 1.0]]], "float32"),
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
    expected = (1, 1, 1)
    if actual.shape != expected:
        print("expected", expected)
        print("actual", actual.shape)
        print('BUG: wrong shape of output 0: eager [1, 1, 1], target [1, 1, 2]')
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
