"""What of an exception or a crash stays the same from case to case: its type, where in the system it arose, and its
message without particulars.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable

from assay.oracles.outcome import ExceptionRecord, Outcome

NONE_IN_PLACE = "None in place of a value"
"""What stands for the message of an exception that only says what a program was about to do with a None."""

FRAMES = 3
MESSAGE_LENGTH = 160

_NOISE = re.compile(
    r"^\s*(Set TORCH|You can suppress|import torch\._dynamo|torch\._dynamo\.config|Hint: |Developer debug context"
    r"|For more info|GraphModule:|File \"|Traceback|\^+\s*$|~)"
)
# How OpenVINO wraps what went wrong: each layer says that it failed, the innermost why.
_WRAPPING = re.compile(
    r"^\s*(Exception from src/|Check '.*' failed at |FrontEnd API failed with|Model wasn't fully converted|Details:"
    r"|While validating |Summary:|-- Conversion is failed for|To facilitate the conv|\[ONNX Frontend\] Conversion)"
)
_TOLD_OF = re.compile(r"^-- (\w+)(?:-\d+)? with a message:\s*", re.MULTILINE)
_STOP = re.compile(r"^\s*(from user code|While executing|The above exception|Exception raised from|frame #)")
_KEPT_NAMES = re.compile(
    r"(\w+\.)*(NoneType|Tensor|FakeTensor|FunctionalTensor|Parameter|SymInt|SymFloat|SymBool|int|float|bool|str|bytes"
    r"|complex|tuple|list|dict|set|slice|range|function|method|module|type|object)"
)
_DTYPE = r"(?:torch\.)?\b(?:bfloat16|float(?:8_\w+|16|32|64)|complex(?:32|64|128)|u?int(?:8|16|32|64))\b"
_OPERATOR = r"(?:\*\*|//|[*+/%-])"
_EXPRESSION = rf"(?=[\dsu*+/% -]*[su]\d)[su]?\d+(?:\s?{_OPERATOR}\s?[su]?\d+)+"
# Where an object lies, in hexadecimal or as id() gives it: another number in each process.
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b|\b1[34]\d{13}\b")
# How a builtin complains of the number of its arguments: one text for each builtin and each number.
_COUNT = r"(?:exactly |at least |at most |from \w+ to )?\w+"
MISCALLED = "a wrong number of arguments"
_MISCALLED = re.compile(
    rf"\b\w+\(\) takes {_COUNT} (?:positional |keyword )?arguments? \(\w+ given\)"
    rf"|\b(?:\w+ )?expected {_COUNT} arguments?, got \w+"
)
# The types of the operands that the interpreter refuses are the program's; a None, a tensor or a symbol tells more.
_TYPE = r"'(?!NoneType'|\w*Tensor'|Parameter'|Sym)[\w.]+'"
_REFUSED = re.compile(
    rf"(?<=unsupported operand type\(s\) for )(.{{1,12}}): {_TYPE} and {_TYPE}"
    rf"|(?<=not supported between instances of)() {_TYPE} and {_TYPE}"
)
_NO_INTEGER = re.compile(rf"{_TYPE}(?= object cannot be interpreted as an integer)")
# How Dynamo says that it does not know a value; that of a tensor or of a symbol is another matter.
_UNKNOWN = re.compile(r"\b(?!Tensor|Sym|Unspecialized)\w+\(.*?\)(?= is not a constant)")
# A guard ends with the line of the program that it is of.
_GUARDED = re.compile(r"(Guard fail reason: .*?)\s+#\s.*", re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b0x[0-9a-fA-F]+"), "ADDRESS"),
    # Where a guarded object is from: what a graph break leaves on the stack is a name as good as another.
    (re.compile(r"___stack\d+"), "G[NAME]"),
    # An expression of symbolic sizes is a size: a sum or a product of any form stands for what one symbol does.
    (re.compile(rf"\({_EXPRESSION}\)(?=\s?{_OPERATOR})"), "s0"),
    (re.compile(rf"(?<![\w)]){_EXPRESSION}(?!\w)"), "s0"),
    # at least two steps, so that neither a division nor a flag such as a/b is taken for a path
    (re.compile(r"(?<![\w.])(?:[A-Za-z]:)?(?:[\\/][\w.\-+~@]+){2,}[\\/]?"), "PATH"),
    (re.compile(_DTYPE), "DTYPE"),
    (re.compile(r"torch\.Size\([^)]*\)|[\[(]\s*(?:[su]?\d+\s*,\s*)*[su]?\d+\s*,?\s*[\])]"), "SHAPE"),
    (re.compile(r"\b\d+(?:x\d+)+\b"), "SHAPE"),
    (re.compile(r"(?<=[A-Za-z\d])(?:_\d+)+\b"), ""),
    (re.compile(r"(?<![A-Za-z_\d])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\d+"), "N"),
    (re.compile(r"\s+"), " "),
)
# How dynamo quotes what a fake tensor's operation raised: the message around it is one text for every operator.
# Its first line: a repr escapes newlines, and a record cuts long messages short.
_CAUSE = re.compile(r"\bgot (\w+(?:Error|Exception))\((['\"])(.+?)(?:\\n|\2,?\)(?=\s|$)|$)", re.DOTALL)
# What a C++ compiler says first; the command before it is the same for every fault, the types of its operands vary.
_COMPILER = re.compile(r"^\S+:\d+(?::\d+)?: (?:fatal )?error: (.+)$", re.MULTILINE)
_OPERANDS = re.compile(r"‘([\w:~]+)[^’]*’")
_QUOTED = re.compile(r"(?<![\w])'([^'\n]{1,200})'(?!\w)|\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`")

_SYSTEM = re.compile(
    r"^(torch/(_dynamo|_inductor|_functorch|_higher_order_ops|_subclasses|_refs|_decomp|_prims\w*|_export|export|fx|onnx|jit|_library|autograd)/"
    r"|torch/_(meta_registrations|compile|ops|tensor)\.py"
    r"|(onnxruntime|onnxscript|tvm|openvino|iree|jax|jaxlib|tensorflow|keras|triton|executorch|torch_tensorrt)/)"
)
# Where Dynamo has put off making a variable of an object: between any two frames, and never at fault.
_FORWARDING = re.compile(r"torch/_dynamo/variables/lazy\.py:(?:__getattr__|realize_and_forward)$")
_NONE = re.compile(r"\bNoneType\b")
_FAULT_FRAME = re.compile(r'^\s*File "([^"]+)", line \d+ in (\S+)', re.MULTILINE)
_PACKAGE = re.compile(r".*(?:site-packages|dist-packages)/")
_LAST_WORDS = re.compile(
    r"^.*?((?:terminate called|what\(\):|Assertion|INTERNAL ASSERT|free\(\)|double free|malloc|corrupted|munmap_chunk"
    r"|LLVM ERROR|Check failed|UNREACHABLE|\*\*\* stack smashing).*)$",
    re.MULTILINE,
)


def normalise_message(message: str) -> str:
    """The first telling lines of a message without addresses, paths, names of variables, dtypes, shapes and numbers.

    >>> normalise_message("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)")
    'matN and matN shapes cannot be multiplied (SHAPE and SHAPE)'
    """
    telling: list[str] = []
    for line in innermost(message).splitlines():
        if _STOP.match(line):
            break
        if line.strip() and not _NOISE.match(line):
            telling.append(line.strip())
        if len(telling) == FRAMES:
            break
    text = _GUARDED.sub(r"\1", _MISCALLED.sub(MISCALLED, " ".join(telling)))
    text = _REFUSED.sub(lambda found: f"{found[1]}: NAME and NAME" if found[1] else " NAME and NAME", text)
    text = _QUOTED.sub(_quoted, _UNKNOWN.sub("NAME", _NO_INTEGER.sub("NAME", text)))
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    text = text.strip()
    # Cut between words: half a placeholder would pass for a part of the message.
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH + 1].rpartition(" ")[0]


def innermost(message: str) -> str:
    """The error that a message quotes as its cause, or wraps, if it does; else the message.

    >>> innermost("Failed to run node add(x): got RuntimeError('shapes differ')\\nfrom user code")
    'RuntimeError: shapes differ'
    >>> innermost("C++ compile error\\ng++ a.cpp\\na.cpp:3:1: error: no match for call to ‘f(int&)’")
    'CppCompileError: no match for call to ‘f’'
    >>> innermost("Exception from src/core.cpp:117:\\nCheck 'k > 0' failed at src/topk.cpp:7:\\nTopK of no elements")
    'TopK of no elements'
    """
    if (said := _COMPILER.search(message)) is not None:
        return "CppCompileError: " + _OPERANDS.sub(r"‘\1’", said[1])
    found = _CAUSE.search(message)
    if found is not None:
        return f"{found[1]}: {found[3]}"
    lines = message.splitlines()
    kept = [line for line in lines if line.strip() and not _WRAPPING.match(line)]
    if not kept or not any(map(_WRAPPING.match, lines)):
        return message
    return _TOLD_OF.sub(r"\1: ", "\n".join(kept))


def _quoted(match: re.Match[str]) -> str:
    inner = next(group for group in match.groups() if group is not None)
    return match.group() if _KEPT_NAMES.fullmatch(inner) else "NAME"


def exception_signature(exception: ExceptionRecord) -> str:
    """The type, the innermost frames inside the system under test, and the normalised message of an exception.

    Where a program's own code meets a None, the type and the message say what it was about to do with it, and nothing
    of how it came there: they are one.
    """
    if meets_none(exception):
        return "|".join(("TypeError", _joined(reversed(exception.frames)), NONE_IN_PLACE))
    return "|".join((exception.type, _joined(reversed(exception.frames)), normalise_message(exception.message)))


def meets_none(exception: ExceptionRecord) -> bool:
    """Whether code outside of the system under test was about to use None as something that it is not."""
    inside = bool(exception.frames) and _SYSTEM.match(exception.frames[-1]) is not None
    own = exception.type.rpartition(".")[2] in ("AttributeError", "TypeError")
    return own and not inside and _NONE.search(exception.message) is not None


def death_signature(outcome: Outcome) -> str:
    """The signal, the innermost frames that faulthandler printed, and the process's last words, of an execution that
    died.
    """
    frames = (f"{_PACKAGE.sub('', file)}:{name}" for file, name in _FAULT_FRAME.findall(outcome.stderr))
    return "|".join((manner(outcome), _joined(frames), normalise_message(last_words(outcome.stderr))))


def manner(outcome: Outcome) -> str:
    """How a process ended: the name of its signal, or "exit".

    >>> manner(Outcome("c0", "died", signal=11))
    'SIGSEGV'
    """
    if outcome.signal is None:
        return "exit"
    try:
        return signal.Signals(outcome.signal).name
    except ValueError:
        return "unknown signal"


def last_words(stderr: str) -> str:
    """The line by which a dying process said why, if it did."""
    found = _LAST_WORDS.search(stderr)
    return found.group(1).strip()[:400] if found else ""


def first_line(text: str, limit: int = 200) -> str:
    """The first line of a text that says something, or of the cause that it quotes, cut at ``limit``."""
    line = next((line.strip() for line in innermost(text).splitlines() if line.strip()), "")
    line = _ADDRESS.sub("...", line)
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _joined(innermost_first: Iterable[str]) -> str:
    """The first frames that lie inside a system under test, innermost first."""
    inside = [frame for frame in innermost_first if _SYSTEM.match(frame) and not _FORWARDING.match(frame)]
    return " < ".join(inside[:FRAMES])
