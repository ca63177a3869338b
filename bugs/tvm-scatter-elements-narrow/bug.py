"""scatter.scatter_reduce on tvm: wrong value of output 0: 2 of 4 elements differ (float32[2, 2, 1], exact arithmetic); largest difference 1 at [0, 1, 0]: eager 1, target 2

Found with apache-tvm 0.27.0.post1, onnx 1.23.2. Options: defaults.
"""

import sys

try:
    import numpy as np
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def model():
    nodes = [
        helper.make_node("ScatterElements", ["z", "x", "y"], ["a"], axis=2, reduction="add"),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.INT64, [2, 1, 1]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 1, 1]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 2, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [2, 2, 1]),
    ]
    initializers = [
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([[[0]], [[0]]], "int64"),
        "y": np.array([[[1.0]], [[1.0]]], "float32"),
        "z": np.array([[[1.0], [1.0]], [[1.0], [1.0]]], "float32"),
    }


def versions():
    return "tvm", tvm.__version__


def compile_model(model):
    model = onnx.load_from_string(model)
    module, kept = from_onnx(model), []
    target = tvm.target.Target("llvm")
    executable = relax.build(module, target)
    machine = relax.VirtualMachine(executable, tvm.cpu())
    names = [each.name for each in model.graph.input]

    def run(feeds):
        found = machine["main"](*(tvm.runtime.tensor(feeds[name]) for name in names), *kept)
        return [each.numpy() for each in ([found] if hasattr(found, "numpy") else found)]

    return run


def main():
    print(*versions())
    serialised = model().SerializeToString()
    compiled = compile_model(serialised)
    actual = compiled(inputs())[0]
    expected = np.array([2.0, 1.0, 2.0, 1.0], "float32").reshape((2, 2, 1))
    if not np.array_equal(actual, expected, equal_nan=True):
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong value of output 0: 2 of 4 elements differ (float32[2, 2, 1], exact arithmetic); largest difference 1 at [0, 1, 0]: eager 1, target 2')
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
