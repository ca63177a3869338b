"""activation.gelu, ternary.masked_fill on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running FastGelu node. Name:'GPT2Gelu' Status Message: Input 0 is expected to have 1 or more dimensions, got 0

Found with onnxruntime 1.31.1, onnx 1.23.2. Options: level='extended'.
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
        helper.make_node("Pow", ["y", "k3"], ["t4"]),
        helper.make_node("Mul", ["t4", "k5"], ["t6"]),
        helper.make_node("Add", ["y", "t6"], ["t7"]),
        helper.make_node("Mul", ["t7", "k8"], ["t9"]),
        helper.make_node("Tanh", ["t9"], ["t10"]),
        helper.make_node("Mul", ["y", "k1"], ["t11"]),
        helper.make_node("Add", ["t10", "k2"], ["t12"]),
        helper.make_node("Mul", ["t11", "t12"], ["a"]),
        helper.make_node("Where", ["x", "k14", "a"], ["b"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.BOOL, []),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, []),
    ]
    initializers = [
        numpy_helper.from_array(np.array(0.5, "float32"), "k1"),
        numpy_helper.from_array(np.array(1.0, "float32"), "k2"),
        numpy_helper.from_array(np.array(3.0, "float32"), "k3"),
        numpy_helper.from_array(np.array(0.044715, "float32"), "k5"),
        numpy_helper.from_array(np.array(0.7978845608028654, "float32"), "k8"),
        numpy_helper.from_array(np.array(0.0, "float32"), "k14"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array(True, "bool"),
        "y": np.array(1.0, "float32"),
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
    return session(model, "ORT_ENABLE_EXTENDED")


def main():
    print(*versions())
    serialised = model().SerializeToString()
    reference(serialised)(inputs())
    try:
        compiled = compile_model(serialised)
        compiled(inputs())
    except Exception as error:
        if ': INVALID_ARGUMENT : Non-zero status code returned while running FastGelu node. Name:' not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print("BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running FastGelu node. Name:'GPT2Gelu' Status Message: Input 0 is expected to have 1 or more dimensions, got 0")
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
