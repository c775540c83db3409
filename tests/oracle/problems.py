"""Random well-typed problems over the whole language.

``problem(seed)`` is the same problem for the same seed.
"""

from __future__ import annotations

from typing import Final

from tests.oracle.tree import SCALAR, Node, Request, Shape, Task, call, names_of
from tests.oracle.writer import Writer

__all__ = ["problem"]

UNUSED: Final = 10**9
"""Added to the seed of a problem in which nothing can be asked."""


def problem(seed: int) -> Task:
    """The random problem of this seed."""
    w = Writer(seed)
    depth = w.random.choice((1, 2, 2, 3))
    for _ in range(w.random.randint(0, 4)):
        node = w.expression(w.shape(), depth)
        if node.op not in ("name", "number", "size") and names_of(node):
            w.definitions.append((_defined_name(w, node.shape), node))
    total = _with_all(w, w.expression(SCALAR, depth))
    if not names_of(total):
        total = call("+", total, call("sum", w.declare((w.dim(), 1), "")))
    w.definitions.append((_scalar_name(w, "J"), total))
    if w.chance(0.25):
        w.definitions.append((_scalar_name(w, "f"), w.expression(SCALAR, 2)))
    task = Task(tuple(w.variables), tuple(w.definitions), ())
    requests = _requests(w, task)
    if not requests:
        return problem(seed + UNUSED)
    return Task(tuple(w.variables), tuple(w.definitions), tuple(requests))


def _scalar_name(w: Writer, wish: str) -> str:
    found = wish if wish not in w.taken else w.name(SCALAR)
    w.taken.add(found)
    return found


def _defined_name(w: Writer, shape: Shape) -> str:
    if w.chance(0.4) and "z1" not in w.taken:
        w.taken.add("z1")
        return "z1"
    return w.name(shape)


def _with_all(w: Writer, total: Node) -> Node:
    """The total, with terms for what nothing uses and for dimensions that nothing declares."""
    used = names_of(total).union(*(names_of(node) for _, node in w.definitions))
    for name, node in w.definitions:
        if name not in used:
            own = Node("name", (), node.shape, name)
            kind = w.choose("sum", "sse", "dot", "mean")
            args = (own, w.expression(node.shape, 1)) if kind == "dot" else (own,)
            term = own if node.shape == SCALAR else call(kind, *args)
            total = call(w.choose("+", "-", "+"), total, term)
    declared = {dim for variable in w.variables for dim in variable.dims}
    for dim in w.dims:
        if dim not in declared and isinstance(dim, str):
            total = call("+", total, call("sum", w.declare((dim, 1), "")))
    return total


def _requests(w: Writer, task: Task) -> list[Request]:
    bodies = dict(task.definitions)
    scalars = [name for name, node in task.definitions if node.shape == SCALAR]
    facts = {variable.name: variable.facts for variable in task.variables}
    asked = []
    for _ in range(w.random.choice((1, 1, 2))):
        of = Node("name", (), SCALAR, scalars[-1] if w.chance(0.7) else w.choose(*scalars))
        if not names_of(of) or w.chance(0.15):
            known = task.variables
            of = w.expression(SCALAR, 2)
            if task.variables != tuple(w.variables) or not names_of(of):
                w.variables = list(known)
                of = Node("name", (), SCALAR, scalars[-1])
        within: list[str] = []
        pending = sorted(names_of(of))
        while pending:
            name = pending.pop()
            if name not in within:
                within.append(name)
                pending += sorted(names_of(bodies[name])) if name in bodies else []
        free = [
            name
            for name in within
            if name != of.word and not {"lower_triangular", "integer"} & set(facts.get(name, ()))
        ]
        if free:
            count = min(len(free), w.random.choice((1, 2, 3, 4)))
            asked.append(Request(of, tuple(w.random.sample(free, count))))
    return asked
