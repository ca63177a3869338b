"""index.advanced on openvino: the process died (SIGFPE) in stage target: Fatal Python error: Floating point exception

Found with openvino 2026.4.1. Options: defaults.
"""

import subprocess
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
        helper.make_node("Gather", ["y", "x"], ["a"], axis=0),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.INT64, [0]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]),
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [0]),
    ]
    initializers = [
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
        "x": np.array([], "int64").reshape((0,)),
        "y": np.array([1.0], "float32"),
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
    if "child" in sys.argv:
        compiled = compile_model(serialised)
        compiled(inputs())
        return 0
    status = subprocess.run([sys.executable, __file__, "child"]).returncode
    if status > 0:
        raise RuntimeError("the child only failed")
    if status < 0:
        print('BUG: the process died (SIGFPE) in stage target: Fatal Python error: Floating point exception')
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
