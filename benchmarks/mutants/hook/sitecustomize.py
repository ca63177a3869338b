"""Import hook: with this folder on PYTHONPATH and TORCH_MUTANT naming an entry, that module is imported with its fault.

It needs only the standard library, costs one look at the environment when the variable is unset, and works in every
interpreter that a process starts. Variables:
    TORCH_MUTANT            id of the entry
    TORCH_MUTANT_CATALOGUE  a catalogue other than the one beside this folder
    TORCH_MUTANT_LOG        a folder; `torch` there gets the id of each process that imports torch, `applied` of each
                            that imports the faulty module, and the first byte of `reached` turns to 1 once the
                            statement that holds the fault has run (where the entry allows this probe)
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = "__mutant_reached__"


def splice(source, entry):
    """The source bytes with the entry's range replaced; ValueError if the range does not hold the original snippet."""
    lines = source.splitlines(keepends=True)
    first, last = entry["line"] - 1, entry["end_line"] - 1
    begin = sum(map(len, lines[:first])) + entry["column"]
    end = sum(map(len, lines[:last])) + entry["end_column"]
    if source[begin:end] != entry["original"].encode():
        raise ValueError(f"mutant {entry['id']}: {entry['module']}:{entry['line']} does not hold {entry['original']!r}")
    return source[:begin] + entry["replacement"].encode() + source[end:]


def with_probe(tree, entry):
    """The tree with a store into the shared byte put before the statement that holds the fault."""
    import ast

    line, column = entry["statement"]
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            for place, statement in enumerate(block if isinstance(block, list) else ()):
                if (statement.lineno, statement.col_offset) == (line, column) and isinstance(statement, ast.stmt):
                    probe = ast.parse(f"{PROBE}[0] = 1").body[0]
                    for part in ast.walk(probe):
                        if hasattr(part, "lineno"):
                            ast.copy_location(part, statement)
                    block.insert(place, probe)
                    return tree
    raise ValueError(f"mutant {entry['id']}: no statement at {line}:{column}")


def code_of(source, entry, path, probe):
    """The code object of the module with the fault. Ends the process if the fault was drawn from another file."""
    import ast
    import hashlib

    digest = hashlib.sha256(source).hexdigest()
    if digest != entry["sha256"]:
        sys.stderr.write(
            f"mutant {entry['id']} was drawn from torch {entry['torch']}; this {entry['module']} is another version "
            f"(sha256 {digest[:12]}, expected {entry['sha256'][:12]}). Install that torch or draw a new catalogue.\n"
        )
        sys.stderr.flush()
        os._exit(2)
    tree = ast.parse(splice(source, entry), path)
    return compile(with_probe(tree, entry) if probe else tree, path, "exec", dont_inherit=True)


def find_entry(name):
    import json

    path = os.environ.get("TORCH_MUTANT_CATALOGUE") or os.path.join(os.path.dirname(HERE), "catalogue.json")
    with open(path, encoding="utf-8") as file:
        catalogue = json.load(file)
    for entry in catalogue["mutants"]:
        if entry["id"] == name:
            return {"torch": catalogue["torch"], **entry}
    sys.stderr.write(f"TORCH_MUTANT names no entry of the catalogue: {name}\n")
    sys.stderr.flush()
    os._exit(2)


def shared_byte(folder):
    import mmap

    handle = os.open(os.path.join(folder, "reached"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if os.fstat(handle).st_size < 1:
            os.ftruncate(handle, 1)
        return mmap.mmap(handle, 1)
    finally:
        os.close(handle)


def install(entry, log=None):
    """Put a finder in front that loads the entry's module, and no other, from the mutated source."""
    from importlib.abc import MetaPathFinder
    from importlib.machinery import PathFinder, SourceFileLoader

    def note(event):
        if log:
            with open(os.path.join(log, event), "a", encoding="utf-8") as file:
                file.write(f"{os.getpid()}\n")

    class Loader(SourceFileLoader):
        def get_code(self, fullname):
            # Byte-code caches are left alone: nothing is read from or written to __pycache__.
            path = self.get_filename(fullname)
            return code_of(self.get_data(path), entry, path, bool(log and entry["probe"]))

        def exec_module(self, module):
            note("applied")
            if log and entry["probe"]:
                module.__dict__[PROBE] = shared_byte(log)
            super().exec_module(module)

    class Finder(MetaPathFinder):
        def find_spec(self, fullname, path=None, target=None):
            if fullname == "torch":
                note("torch")
            if fullname != entry["module"]:
                return None
            spec = PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.origin:
                spec.loader = Loader(fullname, spec.origin)
            return spec

    sys.meta_path.insert(0, Finder())


def chain():
    """Run the sitecustomize that this one hides, if there is one."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    others = [place for place in sys.path if os.path.abspath(place or ".") != HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if __name__ == "sitecustomize":
    if os.environ.get("TORCH_MUTANT"):
        install(find_entry(os.environ["TORCH_MUTANT"]), os.environ.get("TORCH_MUTANT_LOG"))
    chain()
