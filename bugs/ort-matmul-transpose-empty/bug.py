"""pool.adaptive_avg_pool3d on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running FusedMatMul node. Name:'/MatmulTransposeFusion/' Status Message: matmul_helper.h:142 Compute left operand cannot broadcas...

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
        helper.make_node("ReduceMean", ["x", "k1"], ["t2"], keepdims=1),
        helper.make_node("Transpose", ["t2"], ["t4"], perm=[0, 1, 2, 4, 3]),
        helper.make_node("MatMul", ["t4", "k3"], ["t5"]),
        helper.make_node("Transpose", ["t5"], ["t6"], perm=[0, 1, 2, 4, 3]),
        helper.make_node("MatMul", ["t6", "k7"], ["a"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [0, 1, 1, 1, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [0, 1, 1, 3, 2]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([2], "int64"), "k1"),
        numpy_helper.from_array(np.array([1.0, 1.0, 1.0], "float32").reshape((1, 3)), "k3"),
        numpy_helper.from_array(np.array([1.0, 1.0], "float32").reshape((1, 2)), "k7"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([], "float32").reshape((0, 1, 1, 1, 1)),
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
        if ': FAIL : Non-zero status code returned while running FusedMatMul node. Name:' not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print("BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running FusedMatMul node. Name:'/MatmulTransposeFusion/' Status Message: matmul_helper.h:142 Compute left operand cannot broadcas...")
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
