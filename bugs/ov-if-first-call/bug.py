"""unary.bitwise_not, cast.int, reduce.max on openvino: wrong value of output 0: 1 of 1 elements differ (float16[1, 1], exact arithmetic); largest difference 1 at [0, 0]: eager 1, target -0

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
            helper.make_node("ReduceMax", ["y", "k3"], ["d"], keepdims=1),
            helper.make_node("ArgMax", ["y"], ["e"], axis=0, keepdims=1),
        ],
        "block0",
        [],
        [
            helper.make_tensor_value_info("d", TensorProto.FLOAT16, [1, "(s0 + (-1)) // 4 + 1"]),
        ],
        [
            numpy_helper.from_array(np.array([0], "int64"), "k3"),
        ],
    )
    block1 = helper.make_graph(
        [
            helper.make_node("Identity", ["y"], ["t6"]),
        ],
        "block1",
        [],
        [
            helper.make_tensor_value_info("t6", TensorProto.FLOAT16, [1, "(s0 + (-1)) // 4 + 1"]),
        ],
        [],
    )
    nodes = [
        helper.make_node("BitwiseNot", ["x"], ["a"]),
        helper.make_node("Cast", ["a"], ["b"], to=TensorProto.INT32),
        helper.make_node("If", ["v16"], ["c"], then_branch=block0, else_branch=block1),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.INT64, ["s0"]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT16, [1, "(s0 + (-1)) // 4 + 1"]),
        helper.make_tensor_value_info("v16", TensorProto.BOOL, []),
    ]
    outputs = [
        helper.make_tensor_value_info("c", TensorProto.FLOAT16, [1, "(s0 + (-1)) // 4 + 1"]),
        helper.make_tensor_value_info("b", TensorProto.INT32, ["s0"]),
    ]
    initializers = [
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([1, 1], "int64"),
        "y": np.array([[1.0]], "float16"),
        "v16": np.array(False, "bool"),
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
    expected = np.array([1.0], "float16").reshape((1, 1))
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 1 of 1 elements differ (float16[1, 1], exact arithmetic); largest difference 1 at [0, 0]: eager 1, target -0')
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
