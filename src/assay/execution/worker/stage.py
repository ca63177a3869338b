"""The stage that a case is in, in memory shared by the server and its children, so that it outlives whoever dies."""

from __future__ import annotations

import mmap
import struct

from .limits import own_cpu

STAGES = ("idle", "load", "reference", "target", "compare")
_LAYOUT = struct.Struct("<Bddd")
_NOTE_AT, _NOTE_BYTES = 64, 96


class StageBoard:
    """Where the current case stands, and the CPU seconds that its process had used when the stages began."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._cpu = [0.0, 0.0, 0.0]

    def set(self, stage: str) -> None:
        """Enter a stage."""
        index = STAGES.index(stage)
        if stage in ("load", "reference", "target"):
            self._cpu[index - 1 :] = [own_cpu()] * (4 - index)
        _LAYOUT.pack_into(self._memory, 0, index, *self._cpu)

    def note(self, text: str) -> None:
        """Say what is about to run within the stage."""
        self._memory[_NOTE_AT : _NOTE_AT + _NOTE_BYTES] = text.encode()[:_NOTE_BYTES].ljust(_NOTE_BYTES, b"\0")

    def noted(self) -> str:
        """What was said last; nothing since the last case was forgotten."""
        return self._memory[_NOTE_AT : _NOTE_AT + _NOTE_BYTES].rstrip(b"\0").decode("utf-8", "replace")

    def clear(self) -> None:
        """Forget the last case; for the server, before it hands out the next."""
        self._cpu = [0.0, 0.0, 0.0]
        _LAYOUT.pack_into(self._memory, 0, 1, 0.0, 0.0, 0.0)
        self.note("")

    def stage(self) -> str:
        """The stage entered last."""
        return STAGES[min(_LAYOUT.unpack_from(self._memory)[0], len(STAGES) - 1)]

    def spent(self, total: float) -> dict[str, float]:
        """What a process that died with ``total`` CPU seconds had spent on its last case, by part."""
        index, load, reference, target = _LAYOUT.unpack_from(self._memory)
        within = {"total": total - load, "reference": 0.0, "sut": 0.0}
        if index == 2:
            within["reference"] = total - reference
        elif index >= 3:
            within["reference"] = target - reference
            within["sut"] = total - target
        return {part: max(0.0, seconds) for part, seconds in within.items()}
