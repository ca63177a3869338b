"""The end of a generated script for ONNX: check the model, and run it without optimisations on every call where ONNX
Runtime is installed, checking outputs where the policy promises them finite."""

MAIN = """def main():
    made = model()
    checker.check_model(made, full_check=True)
    try:
        import onnxruntime
    except ImportError:
        print("The model is valid; onnxruntime is not installed, so that it was not run.")
        return
    ends = [each.type.tensor_type.elem_type for each in (*made.graph.input, *made.graph.output)]
    if TensorProto.BFLOAT16 in ends:
        print("The model is valid; its bfloat16 is no type of numpy's, so that it was not run.")
        return
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(made.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:
        if type(error).__name__ != "NotImplemented":
            raise
        print("The model is valid;", str(error).partition("NOT_IMPLEMENTED : ")[2])
        return
    taken = {each.name for each in session.get_inputs()}
    for call in range(CALLS):
        outputs = session.run(None, {name: value for name, value in inputs(call).items() if name in taken})
        if FINITE:
            for name, value in zip((each.name for each in made.graph.output), outputs):
                assert value.dtype.kind != "f" or np.isfinite(value).all(), f"{name} is not finite"


if __name__ == "__main__":
    main()""".splitlines()
