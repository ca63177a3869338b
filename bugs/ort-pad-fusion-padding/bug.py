"""pad.constant, pool.avg_pool2d on onnxruntime: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/nn/pool_attributes.h:88 onnxruntime::PoolAttributes::PoolAttributes(const KernelInfo...

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
    nodes = [
        helper.make_node("Pad", ["x", "k1"], ["a"]),
        helper.make_node("AveragePool", ["a"], ["b"], kernel_shape=[1, 1], strides=[1, 1], count_include_pad=1),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 1, 1]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, 1, 1, 2]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([0, 0, 0, 1, 0, 0, 0, 0], "int64"), "k1"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([[[[1.0]]]], "float32"),
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
        if 'onnxruntime::PoolAttributes::PoolAttributes(const KernelInfoType&, const std::string&,' not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print('BUG: the target raised onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/nn/pool_attributes.h:88 onnxruntime::PoolAttributes::PoolAttributes(const KernelInfo...')
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
