"""Random well-typed problems over the whole language.

``problem(seed)`` is the same problem for the same seed; ``problems()`` is a strategy of Hypothesis.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hypothesis import strategies
from hypothesis.strategies import SearchStrategy

from tests.oracle.tree import (
    SCALAR,
    Node,
    Request,
    Shape,
    Task,
    Variable,
    call,
    dims_of,
    names_of,
)
from tests.oracle.writer import Writer

__all__ = ["KINDS", "held", "problem", "problems"]

KINDS: Final = ("gradients", "matrices")
"""What a problem asks: gradients; or Jacobians and Hessians."""

STRUCTURED: Final = frozenset({"symmetric", "positive_definite", "diagonal", "lower_triangular"})
"""Facts of matrices whose entries are not independent, so that no Jacobian is meant."""

HELD: Final[Mapping[str, str]] = {
    "softmax": "probability",
    "rowsoftmax": "probability",
    "exp": "positive",
    "softplus": "positive",
    "sigmoid": "positive",
    "cosh": "positive",
    "relu": "nonnegative",
    "abs": "nonnegative",
    "square": "nonnegative",
    "diag": "diagonal",
    "cholesky": "lower_triangular",
}
"""What holds of the values of a function. Not that a sign is 1 or -1: that of 0 is 0."""


def problems(kind: str = "gradients") -> SearchStrategy[Task]:
    """Problems, shrunken by Hypothesis."""
    return strategies.randoms(use_true_random=False).map(lambda source: _drawn(source, kind))


def problem(seed: int, kind: str = "gradients") -> Task:
    """The random problem of this seed and kind."""
    return _drawn(random.Random(seed), kind)


def _drawn(source: random.Random, kind: str) -> Task:
    while True:
        if task := _written(Writer(source), kind):
            return task


def _written(w: Writer, kind: str) -> Task | None:
    """A problem; None if nothing can be asked in it."""
    matrices = kind == "matrices"
    depth = w.random.choice((1, 1, 1, 2, 2) if matrices else (1, 2, 2, 3))
    for _ in range(w.random.randint(0, 2 if matrices else 4)):
        node = w.expression(w.shape(), depth)
        if node.op not in ("name", "number", "size") and names_of(node):
            w.definitions.append((_defined_name(w, node.shape), node))
    total = _with_all(w, w.expression(SCALAR, depth))
    if not names_of(total):
        total = call("+", total, call("sum", w.declare((w.dims[0], 1), "")))
    w.definitions.append((_scalar_name(w, "J"), total))
    if w.chance(0.25):
        w.definitions.append((_scalar_name(w, "f"), w.expression(SCALAR, 2)))
    task = Task(tuple(w.variables), tuple(w.definitions), ())
    requests = _of_matrices(w, task) if matrices else _requests(w, task)
    if not requests:
        return None
    facts = {name: known for name, node in w.definitions if w.chance(0.5) and (known := held(node))}
    task = Task(tuple(w.variables), tuple(w.definitions), tuple(requests), facts)
    return _undeclared(w, task) if w.chance(0.25) else task


def held(node: Node) -> tuple[str, ...]:
    """The fact that holds of a definition, if its form tells one."""
    if node.shape == SCALAR:
        return ()
    if node.op == "+" and [arg.op for arg in node.args] == ["*", "I"]:
        left, right = node.args[0].args
        return ("positive_definite",) if right == call("'", left) else ()
    if node.op == "tril" and node.shape[0] == node.shape[1]:
        return ("lower_triangular",)
    if node.op not in HELD or (node.op == "rowsoftmax" and node.shape[1] == 1):
        return ()
    return (HELD[node.op],)


def _undeclared(w: Writer, task: Task) -> Task:
    """The problem without the declarations of some variables that have no facts."""
    roots = [body for _, body in task.definitions] + [r.of for r in task.requests]
    needed = set().union(*map(dims_of, roots))
    found: list[Variable] = list(task.variables)
    for at, variable in enumerate(found):
        others = {dim for v in found if v.declared and v != variable for dim in v.dims}
        free = not variable.facts and not (set(variable.dims) & needed) - others
        if free and w.chance(0.7) and any(variable.name in names_of(root) for root in roots):
            found[at] = replace(variable, declared=False)
    return replace(task, variables=tuple(found))


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
    """Gradients."""
    scalars = [name for name, node in task.definitions if node.shape == SCALAR]
    asked = []
    for _ in range(w.random.choice((1, 1, 2))):
        of = Node("name", (), SCALAR, scalars[-1] if w.chance(0.7) else w.choose(*scalars))
        if not names_of(of) or w.chance(0.15):
            of = _unnamed(w, SCALAR) or Node("name", (), SCALAR, scalars[-1])
        free = [name for name in _within(task, of) if name != of.word and name not in w.unasked]
        if free:
            count = min(len(free), w.random.choice((1, 2, 3, 4)))
            asked.append(Request(of, tuple(w.random.sample(free, count))))
    return asked


def _of_matrices(w: Writer, task: Task) -> list[Request]:
    """Jacobians and Hessians, now and then a gradient beside them."""
    bodies = dict(task.definitions)
    scalars = [name for name, node in bodies.items() if node.shape == SCALAR]
    facts = {variable.name: variable.facts for variable in task.variables}
    facts |= {name: held(node) for name, node in bodies.items()}
    asked = []
    for _ in range(w.random.choice((1, 1, 2))):
        kind = w.choose(*["jacobian"] * 9, *["hessian"] * 9, "grad")
        name = w.choose(*bodies) if kind == "jacobian" else w.choose(*scalars)
        shape = bodies[name].shape
        if w.chance(0.3):
            shape = w.shape() if kind == "jacobian" else SCALAR
            of = _unnamed(w, shape) or Node("name", (), bodies[name].shape, name)
        else:
            of = Node("name", (), shape, name)
        free = [
            name
            for name in _within(task, of)
            if (name != of.word or (kind == "jacobian" and w.chance(0.1)))
            and name not in w.unasked
            and not (STRUCTURED & set(facts.get(name, ())) and 1 not in task.shapes[name])
        ]
        if free:
            count = min(len(free), w.random.choice((1, 1, 2, 2, 3)))
            wrt = tuple(w.random.sample(free, count))
            inner = [set(_within(task, bodies[name])) for name in wrt if name in bodies]
            apart = not any(within & set(wrt) for within in inner)
            joint = kind == "hessian" and count > 1 and apart and w.chance(0.6)
            asked.append(Request(of, wrt, kind, joint))
    return asked


def _unnamed(w: Writer, shape: Shape) -> Node | None:
    """An expression of what there is already; None if it turns out to need more."""
    known = tuple(w.variables)
    of = w.expression(shape, 2)
    if known == tuple(w.variables) and names_of(of):
        return of
    w.variables = list(known)
    return None


def _within(task: Task, of: Node) -> list[str]:
    """The names that something is computed from."""
    bodies = dict(task.definitions)
    within: list[str] = []
    pending = sorted(names_of(of))
    while pending:
        name = pending.pop()
        if name not in within:
            within.append(name)
            pending += sorted(names_of(bodies[name])) if name in bodies else []
    return within
