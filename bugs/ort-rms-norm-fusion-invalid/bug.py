"""norm.rms_norm, smooth.deg2rad on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid model. Node input 'a' is not a graph input, initializer, or output of a previous node.

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
        helper.make_node("Pow", ["x", "c1"], ["t2"]),
        helper.make_node("ReduceMean", ["t2", "c3"], ["t4"], keepdims=1),
        helper.make_node("Add", ["t4", "c5"], ["t6"]),
        helper.make_node("Sqrt", ["t6"], ["t7"]),
        helper.make_node("Div", ["x", "t7"], ["a"]),
        helper.make_node("Mul", ["a", "c9"], ["b"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, [1]),
    ]
    initializers = [
        numpy_helper.from_array(np.array(2.0, "float32"), "c1"),
        numpy_helper.from_array(np.array([-1], "int64"), "c3"),
        numpy_helper.from_array(np.array(1.1920928955078125e-07, "float32"), "c5"),
        numpy_helper.from_array(np.array(0.017453292519943295, "float32"), "c9"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([1.0], "float32"),
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
        compile_model(serialised)(inputs())
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
