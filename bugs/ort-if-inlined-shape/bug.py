"""cast.bool, create.zeros_like on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid model. Node input 'a' is not a graph input, initializer, or output of a previous node.

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
    block0 = helper.make_graph(
        [
            helper.make_node("Identity", ["a"], ["t5"]),
        ],
        "block0",
        [],
        [
            helper.make_tensor_value_info("t5", TensorProto.BOOL, []),
        ],
        [],
    )
    block1 = helper.make_graph(
        [
            helper.make_node("Identity", ["a"], ["t6"]),
        ],
        "block1",
        [],
        [
            helper.make_tensor_value_info("t6", TensorProto.BOOL, []),
        ],
        [],
    )
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.BOOL),
        helper.make_node("Shape", ["a"], ["t2"]),
        helper.make_node("Expand", ["k3", "t2"], ["b"]),
        helper.make_node("If", ["k3"], ["d"], then_branch=block0, else_branch=block1),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info("d", TensorProto.BOOL, []),
        helper.make_tensor_value_info("b", TensorProto.BOOL, []),
    ]
    initializers = [
        numpy_helper.from_array(np.array(False, "bool"), "k3"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array(1.0, "float32"),
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
    reference(serialised)(inputs())
    try:
        compiled = compile_model(serialised)
        compiled(inputs())
    except Exception as error:
        if 'is not a graph input, initializer, or output of a previous node.' not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print("BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid model. Node input 'a' is not a graph input, initializer, or output of a previous node.")
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
