"""A smaller problem that goes wrong in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.oracle.problems import held
from tests.oracle.sizes import split
from tests.oracle.tree import (
    Node,
    Request,
    Task,
    Variable,
    call,
    dims_of,
    names_of,
    number,
    sub,
    walk,
)

__all__ = ["shrunken"]


def shrunken(
    task: Task, fails: Callable[[Task], bool], tries: int = 300, seconds: float = 120.0
) -> Task:
    """The smallest problem found that still fails, after at most so many tries and seconds."""
    seen = {str(task)}
    end = time.perf_counter() + seconds
    improved = True
    while improved and tries > 0 and time.perf_counter() < end:
        improved = False
        for smaller in _candidates(task):
            if str(smaller) in seen:
                continue
            seen.add(str(smaller))
            tries -= 1
            if fails(smaller):
                task, improved = smaller, True
                break
            if tries <= 0 or time.perf_counter() > end:
                break
    return task


def _candidates(task: Task) -> Iterator[Task]:
    """Smaller problems, the boldest first."""
    for request in task.requests:
        if len(task.requests) > 1:
            yield _tidy(replace(task, requests=(request,)))
    for at, request in enumerate(task.requests):
        for name in request.wrt:
            if len(request.wrt) > 1:
                fewer = tuple(other for other in request.wrt if other != name)
                for wrt in ((name,), fewer):
                    joint = request.joint and len(wrt) > 1
                    yield _tidy(_asked(task, at, replace(request, wrt=wrt, joint=joint)))
        if request.joint:
            yield _asked(task, at, replace(request, joint=False))
    for name, node in task.definitions:
        yield from _without(task, name, node)
    for at, request in enumerate(task.requests):
        for smaller in _smaller(request.of):
            yield _tidy(_asked(task, at, replace(request, of=smaller)))
    for name, node in task.definitions:
        for smaller in _smaller(node):
            if names_of(smaller):
                bodies = {**dict(task.definitions), name: smaller}
                yield _tidy(replace(task, definitions=tuple(bodies.items())))
    for name in task.facts:
        yield replace(task, facts={n: known for n, known in task.facts.items() if n != name})
    for variable in task.variables:
        for plain in (replace(variable, facts=()), replace(variable, declared=True)):
            variables = tuple(plain if v == variable else v for v in task.variables)
            yield replace(task, variables=variables)


def _asked(task: Task, at: int, request: Request) -> Task:
    requests = list(task.requests)
    requests[at] = request
    return replace(task, requests=tuple(requests))


def _without(task: Task, name: str, node: Node) -> Iterator[Task]:
    """A definition given instead, or written out where it is used."""
    asked = {n for request in task.requests for n in request.wrt}
    others = tuple((n, body) for n, body in task.definitions if n != name)
    dims = node.shape if node.shape[1] != 1 else node.shape[:1]
    if not any(map(split, dims)):
        given = Variable(name, () if node.shape == (1, 1) else dims)
        yield _tidy(replace(task, variables=(*task.variables, given), definitions=others))
    if name not in asked:
        inlined = tuple((n, _replaced(body, name, node)) for n, body in others)
        requests = tuple(replace(r, of=_replaced(r.of, name, node)) for r in task.requests)
        yield _tidy(replace(task, definitions=inlined, requests=requests))


def _replaced(node: Node, name: str, new: Node) -> Node:
    if node.op == "name":
        return new if node.word == name else node
    if not node.args:
        return node
    return call(node.op, *(_replaced(arg, name, new) for arg in node.args), word=node.word)


def _smaller(node: Node) -> Iterator[Node]:
    """The tree with one part replaced by something inside it, or by 2."""
    for path, part in _paths(node):
        inside = [inner for inner in walk(part) if inner is not part and inner.shape == part.shape]
        if part.args and part.shape == (1, 1):
            inside.append(number("2"))
        if part.op not in ("+", "name") and len(list(walk(part))) > 4 and part.shape == (1, 1):
            inside += [call("sum", inner) for inner in walk(part) if inner.op == "name"]
        for inner in inside:
            yield sub(node, path, inner)


def _paths(node: Node, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Node]]:
    yield path, node
    for at, arg in enumerate(node.args):
        yield from _paths(arg, (*path, at))


def _tidy(task: Task) -> Task:
    """Without what no request needs, but with what declares the dimensions."""
    bodies = dict(task.definitions)
    needed: set[str] = set()
    pending = [n for r in task.requests for n in (*names_of(r.of), *r.wrt)]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += names_of(bodies[name]) if name in bodies else ()
    definitions = tuple((n, body) for n, body in task.definitions if n in needed)
    dims = set().union(
        *(dims_of(body) for _, body in definitions), *(dims_of(r.of) for r in task.requests)
    )
    kept: list[Variable] = [v for v in task.variables if v.name in needed]
    missing = dims - {dim for v in kept for dim in v.dims}
    for variable in task.variables:
        if missing & set(variable.dims):
            kept.append(variable)
            missing -= set(variable.dims)
    facts = {
        n: known for n, known in task.facts.items() if n in bodies and held(bodies[n]) == known
    }
    return replace(
        task,
        variables=tuple(dict.fromkeys(kept)),
        definitions=definitions,
        facts={name: known for name, known in facts.items() if name in needed},
    )
