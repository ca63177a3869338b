"""scatter.index_put_accumulate, scan.cumsum on openvino: wrong value of output 0: 1 of 2 elements differ (int64[2], exact arithmetic); largest difference 1 at [1]: eager 2, target 3

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
        helper.make_node("Expand", ["y", "k1"], ["t3"]),
        helper.make_node("ScatterND", ["z", "t2", "t3"], ["a"], reduction="add"),
        helper.make_node("Cast", ["a"], ["t5"], to=TensorProto.INT64),
        helper.make_node("CumSum", ["t5", "k6"], ["b"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("y", TensorProto.BOOL, []),
        helper.make_tensor_value_info("z", TensorProto.BOOL, [2]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.INT64, [2]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([1], "int64"), "k1"),
        numpy_helper.from_array(np.array(0, "int64"), "k6"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([1], "int64"),
        "y": np.array(True, "bool"),
        "z": np.array([True, True], "bool"),
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
    expected = np.array([1, 2], "int64")
    if not np.array_equal(actual, expected):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 1 of 2 elements differ (int64[2], exact arithmetic); largest difference 1 at [1]: eager 2, target 3')
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
