"""Random numbers: streams that are seeded, read, and put back as they were."""

from __future__ import annotations

from assay.transforms.registry import Writing, run


@run("random.torch_restored", pure=True)
def torch_restored(w: Writing) -> list[str]:
    """The state is read, numbers are drawn, and the state is put back."""
    state = w.fresh("rng")
    return [f"{state} = torch.get_rng_state()", "torch.rand(3)", *w.body, f"torch.set_rng_state({state})"]


@run("random.torch_seeded", extras=("tensor",), pure=True)
def torch_seeded(w: Writing) -> list[str]:
    """The stream after a seed is always the same."""
    state = w.fresh("rng")
    length = 2 + w.number % 3
    return [
        f"{state} = torch.get_rng_state()",
        f"torch.manual_seed({w.number % 1000})",
        *w.body,
        f"{w.extras[0]} = torch.randint(0, 100, ({length},))",
        f"torch.set_rng_state({state})",
    ]


@run("random.generator", extras=("tensor",))
def generator(w: Writing) -> list[str]:
    """A generator has a stream of its own."""
    g = w.fresh("generator")
    return [
        f"{g} = torch.Generator().manual_seed({w.number % 1000})",
        *w.body,
        f"{w.extras[0]} = torch.randint(0, 100, ({2 + w.number % 3},), generator={g})",
    ]


@run("random.forked", pure=True)
def forked(w: Writing) -> list[str]:
    """What is drawn inside of a fork is not drawn outside."""
    return ["with torch.random.fork_rng():", "    torch.rand(2)", *w.indented()]


@run("random.python_seeded", extras=("str",))
def python_seeded(w: Writing) -> list[str]:
    """Python's stream after a seed is always the same; its state is put back."""
    state = w.fresh("rng")
    return [
        f"{state} = random.getstate()",
        f"random.seed({w.number % 1000})",
        *w.body,
        f"{w.extras[0]} = str((random.randint(0, 99), random.choice('abc'), random.random() < 0.5))",
        f"random.setstate({state})",
    ]


@run("random.python_own", extras=("str",))
def python_own(w: Writing) -> list[str]:
    """A Random of its own."""
    g = w.fresh("generator")
    return [
        f"{g} = random.Random({w.number % 1000})",
        f"{g}.random()",
        *w.body,
        f"{w.extras[0]} = str([{g}.randrange(50), {g}.uniform(0, 1) < 0.5, {g}.randint(1, 6)])",
    ]
