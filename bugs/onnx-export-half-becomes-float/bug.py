"""loss.mse_loss on torch.onnx: wrong dtype of output 0: eager float16, target float32

Found with torch 2.13.0+cpu, onnxscript 0.7.2, onnxruntime 1.31.1. Options: defaults.
"""

import sys

try:
    import torch
    from onnxruntime import GraphOptimizationLevel, InferenceSession, OrtValue, SessionOptions
    from torch.utils._pytree import tree_leaves
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = torch.nn.functional.mse_loss(x, x)
    return (a,)


def inputs(call=0):
    x = torch.tensor(1.0, dtype=torch.float16)
    return x,


class Exported(torch.nn.Module):
    def __init__(self, program, model):
        super().__init__()
        self.program, self.model = program, model

    def forward(self, *given):
        return self.program(*([] if self.model is None else [self.model]), *given)


def sizes(leaf):
    return {d: torch.export.Dim.AUTO for d in range(leaf.dim())} if isinstance(leaf, torch.Tensor) else None


class Model:
    """An exported program on ONNX Runtime, every optimisation disabled."""

    def __init__(self, program, model, given):
        module = Exported(program, model).eval()
        exported = torch.onnx.export(module, given, dynamo=True, verbose=False)
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        self.session = InferenceSession(exported.model_proto.SerializeToString(), options)
        self.given, self.entries = given, list(exported.model_proto.graph.input)

    def fits(self, given):
        """Whether the sizes that the export has fixed, and what is no tensor, are the same."""
        entries = iter(self.entries)
        for before, leaf in zip(self.given, given, strict=True):
            if isinstance(leaf, torch.Tensor):
                dims = next(entries).type.tensor_type.shape.dim
                if any(dim.HasField("dim_value") and dim.dim_value != size for dim, size in zip(dims, leaf.shape)):
                    return False
            elif before != leaf:
                return False
        return True

    def __call__(self, given):
        tensors = [leaf.detach().contiguous() for leaf in given if isinstance(leaf, torch.Tensor)]
        taken = {each.name for each in self.session.get_inputs()}
        feeds = {e.name: OrtValue.from_dlpack(t) for e, t in zip(self.entries, tensors) if e.name in taken}
        return tuple(torch.from_dlpack(value) for value in self.session.run_with_ort_values(None, feeds))


def compile_program(program):
    models = []

    def call(*arguments):
        state = bool(arguments) and isinstance(arguments[0], torch.nn.Module)
        model, given = (arguments[0], arguments[1:]) if state else (None, arguments)
        fitting = [each for each in models if each.fits(given)]
        if not fitting:
            fitting = [Model(program, model, given)]
            models.append(fitting[0])
        return fitting[0](given)

    return call


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return [leaf.dtype for leaf in [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong dtype of output 0: eager float16, target float32')
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
