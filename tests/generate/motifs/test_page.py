"""docs/motifs.md lists every motif as it is registered, and the file of every pass."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.catalogue import load as load_motifs

PAGE = (Path(__file__).parents[3] / "docs" / "motifs.md").read_text()
MOTIFS = load_motifs()


def row(motif: Motif) -> str:
    """The line of a motif in the page."""
    passes = [", ".join(names) or "·" for names in (motif.inductor, motif.onnxruntime)]
    return f"| {motif.name} | {motif.summary} | {passes[0]} | {passes[1]} | {', '.join(motif.changes)} |"


def files() -> dict[str, str]:
    """The file of each pass, as the page has it."""
    found = {}
    for line in PAGE.splitlines():
        told = re.fullmatch(r"\| `([^`]+\.(?:py|cc))` \| (.*) \|", line)
        if told is not None:
            found.update(dict.fromkeys(told[2].split(", "), told[1]))
    return found


@pytest.mark.parametrize("family", sorted({motif.family for motif in MOTIFS.values()}))
def test_the_page_has_every_motif_as_it_is_registered(family: str) -> None:
    for motif in MOTIFS.values():
        if motif.family == family:
            assert row(motif) in PAGE.splitlines()


def test_the_page_has_no_motif_that_is_gone() -> None:
    names = {line.split(" | ")[0].removeprefix("| ") for line in PAGE.splitlines() if line.count(" | ") == 4}
    assert names - {"motif"} == set(MOTIFS)


def test_every_pass_has_its_file() -> None:
    passes = {name for motif in MOTIFS.values() for name in (*motif.inductor, *motif.onnxruntime)}
    assert set(files()) == passes


@pytest.mark.torch
def test_the_passes_of_torch_are_where_the_page_says() -> None:
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parents[1]
    for name, path in files().items():
        if path.startswith("torch/"):
            assert name in (root / path).read_text(), f"{name} is not in {path}"
