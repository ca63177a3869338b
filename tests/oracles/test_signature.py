"""Signatures keep what is the same from case to case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.oracles.outcome import ExceptionRecord
from assay.oracles.signature import exception_signature, first_line, normalise_message


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("object at 0x7f3a12 is gone", "object at ADDRESS is gone"),
        ("size (3, 4) does not match [2, s0, 7]", "size SHAPE does not match SHAPE"),
        ("expected torch.Size([2, 3]) but got torch.Size([])", "expected SHAPE but got SHAPE"),
        ("shapes cannot be multiplied (2x3 and 4x5)", "shapes cannot be multiplied (SHAPE and SHAPE)"),
        ("expected torch.float32, got bfloat16", "expected DTYPE, got DTYPE"),
        ("KeyError: 'buf12'", "KeyError: NAME"),
        ("'NoneType' object has no attribute 'dtype'", "'NoneType' object has no attribute NAME"),
        ("cannot open /opt/sdk/x.cpp:12", "cannot open PATH:N"),
        ("in torch/_inductor/ir.py at line 12", "in torch/_inductor/ir.py at line N"),
        ("view_3 of arg0_1 is add_12", "view of argN is add"),
        ("took -1.5e-3 of 7", "took N of N"),
        ("can't do that, don't", "can't do that, don't"),
        ("first\n\n  second\nfrom user code:\n  File x", "first second"),
        ("why\n\nSet TORCHDYNAMO_VERBOSE=1 for the internal stack trace", "why"),
        ("all() takes exactly one argument (3 given)", "a wrong number of arguments"),
        ("sum() takes at least 1 positional argument (0 given)", "a wrong number of arguments"),
        ("TypeError: countOf expected 2 arguments, got 0", "TypeError: a wrong number of arguments"),
        ("TypeError: expected 1 argument, got 0", "TypeError: a wrong number of arguments"),
        ("unsupported operand type(s) for +: 'int' and 'str'", "unsupported operand type(s) for +: NAME and NAME"),
        (
            "unsupported operand type(s) for +: 'int' and 'NoneType'",
            "unsupported operand type(s) for +: 'int' and 'NoneType'",
        ),
        (
            "'<' not supported between instances of 'int' and 'Own'",
            "NAME not supported between instances of NAME and NAME",
        ),
        ("'float' object cannot be interpreted as an integer", "NAME object cannot be interpreted as an integer"),
        ("'Tensor' object cannot be interpreted as an integer", "'Tensor' object cannot be interpreted as an integer"),
        ("ExceptionVariable(<class 'ValueError'>) is not a constant", "NAME is not a constant"),
        ("SymNodeVariable() is not a constant", "SymNodeVariable() is not a constant"),
        ("f() takes 1 positional argument but 2 were given", "f() takes N positional argument but N were given"),
        ("Guard fail reason: 0/0: G['a'] is b    # return (e, r", "Guard fail reason: N/N: G[NAME] is b"),
        ("", ""),
    ],
)
def test_particulars_give_way_to_words(message, kept):
    assert normalise_message(message) == kept


@given(st.text())
def test_any_message_has_a_normal_form_that_is_short_and_on_one_line(message):
    normal = normalise_message(message)
    assert len(normal) <= 160
    assert "\n" not in normal


@given(st.integers(0, 2**64), st.integers(0, 2**64), st.lists(st.integers(0, 99), min_size=1))
def test_numbers_addresses_and_shapes_do_not_show(number, address, shape):
    message = "bad value {} at {} in shape {} of buf{}"
    shown = normalise_message(message.format(number, hex(address), shape, number))
    assert shown == normalise_message(message.format(1, "0xa", [2, 3], 4))


def test_an_exception_is_known_by_its_innermost_frames_inside_the_system():
    frames = (
        "case:program",
        "torch/_dynamo/eval_frame.py:compile_wrapper",
        "torch/_inductor/graph.py:run",
        "torch/_inductor/lowering.py:full",
        "torch/_inductor/ir.py:create",
        "json/encoder.py:encode",
    )
    signature = exception_signature(ExceptionRecord("KeyError", (), "'x'", frames))
    inner = "torch/_inductor/ir.py:create < torch/_inductor/lowering.py:full < torch/_inductor/graph.py:run"
    assert signature == f"KeyError|{inner}|NAME"


def test_a_frame_that_only_forwards_tells_nothing() -> None:
    dynamo = "torch/_dynamo/variables/"
    frames = ("torch/_dynamo/symbolic_convert.py:call_function", f"{dynamo}misc.py:call_function")
    direct = ExceptionRecord("KeyError", (), "'x'", (*frames, f"{dynamo}dicts.py:call_method"))
    forwarding = (*frames, f"{dynamo}lazy.py:realize_and_forward", direct.frames[-1], f"{dynamo}lazy.py:__getattr__")
    assert exception_signature(direct) == exception_signature(ExceptionRecord("KeyError", (), "'x'", forwarding))
    other = ExceptionRecord("KeyError", (), "'x'", (*frames, f"{dynamo}lazy.py:realize"))
    assert exception_signature(direct) != exception_signature(other)


def test_where_the_program_has_a_guarded_object_from_is_not_the_cause() -> None:
    said = "Guard fail reason: 0/0: dict({0}.__dict__)['d'] is {0}.d  # return r  # program.py:21"
    assert normalise_message(said.format("G['C5']")) == normalise_message(said.format("___stack0"))
    assert normalise_message(said.format("___stack0")) != normalise_message("Guard fail reason: 0/0: G['d'] is None")


def test_a_quoted_cause_is_what_a_message_says() -> None:
    """The text around it is the same for every operator: it would put every fault of fake tensors into one bucket."""
    said = "RuntimeError when making fake tensor call\n  Explanation: Dynamo failed to run FX node: got {}"
    first = normalise_message(said.format("RuntimeError('Cannot call numel()\\nException raised from x at y.cpp:3')"))
    assert first == "RuntimeError: Cannot call numel()"
    assert first == normalise_message(said.format("RuntimeError('Cannot call numel()\\nframe #0: cut short"))
    assert first != normalise_message(said.format("ValueError('other',)"))


def test_a_long_message_is_cut_between_words() -> None:
    text = normalise_message("word " * 31 + "0x7f36aa579b8d and more")
    assert text.endswith(("word", "ADDRESS"))


def test_faults_of_generated_code_are_told_apart_by_what_the_compiler_says():
    said = (
        "CppCompileError: C++ compile error\n\nCommand:\ng++ /kernels/a/b.main.cpp -D X -O3\n\nOutput:\n"
        "/kernels/a/b.main.cpp: In function ‘void kernel(bool*)’:\n/kernels/a/b.main.cpp:21:57: error: {}\n   21 |  tmp"
    )
    first = said.format("no matching function for call to ‘min_masked_reduce(VecMask<float, 1>&, int64_t)’")
    same = said.format("no matching function for call to ‘min_masked_reduce(VecMask<long, 2>&, int64_t)’")
    other = said.format("‘tmp3’ was not declared in this scope")
    assert normalise_message(first) == normalise_message(same) != normalise_message(other)
    assert "g++" not in normalise_message(first)


def test_an_expression_of_symbolic_sizes_is_a_size():
    said = "{} (<class 'torch.SymInt'>, 140013757361104)is not tracked with proxy for <Tracer object at 0x7f577e440d90>"
    expressions = ("s77", "s77**2", "s27**2*s77", "(s0*s1)//2", "2 - s0 + u1", "s0 % 3", "2*s0")
    assert len({normalise_message(said.format(each)) for each in expressions}) == 1
    assert normalise_message("a-b s1 of (s1*2, 3) + [s0, s2]") == "a-b sN of SHAPE + SHAPE"
    shown = "s77 (<class 'torch.SymInt'>, ...)is not tracked with proxy for <Tracer object at ...>"
    assert first_line(said.format("s77")) == shown


def test_what_the_program_was_about_to_do_with_a_none_is_not_its_cause() -> None:
    own = ("assay_case.py:program", "torch/_dynamo/eval_frame.py:compile_wrapper", "assay_case.py:torch_dynamo_resume")
    messages = {
        "AttributeError": ("'NoneType' object has no attribute 'relu'", "'NoneType' object has no attribute 'shape'"),
        "TypeError": (
            "unsupported operand type(s) for *: 'NoneType' and 'int'",
            "relu(): argument 'input' (position 1) must be Tensor, not NoneType",
        ),
    }
    records = [ExceptionRecord(type_, (), text, own) for type_, texts in messages.items() for text in texts]
    assert len({exception_signature(record) for record in records}) == 1
    # In the compiler's own code the message and its place say which line is wrong.
    inside = (*own, "torch/_dynamo/guards.py:check")
    assert len({exception_signature(ExceptionRecord(each.type, (), each.message, inside)) for each in records}) == 3
    assert "None" not in exception_signature(ExceptionRecord("TypeError", (), "'int' object is not callable", own))
