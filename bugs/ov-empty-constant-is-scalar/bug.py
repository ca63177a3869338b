"""pad.constant on openvino: the target raised RuntimeError: Pad: length of pads_begin mismatches with rank of input, expect 0, but got 1

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
        helper.make_node("Pad", ["x", "k1"], ["a"]),
    ]
    inputs = [
    ]
    outputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, [0]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([0, 0], "int64"), "k1"),
        numpy_helper.from_array(np.array([], "float32").reshape((0,)), "x"),
    ]
    graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def inputs(call=0):
    return {
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
    try:
        compiled = compile_model(serialised)
        compiled(inputs())
    except Exception as error:
        if 'length of pads_begin mismatches with rank of input, expect' not in " ".join(str(error).split()):
            raise
        print(type(error).__name__, str(error)[:1000])
        print('BUG: the target raised RuntimeError: Pad: length of pads_begin mismatches with rank of input, expect 0, but got 1')
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
