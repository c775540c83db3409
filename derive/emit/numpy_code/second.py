"""Functions for Jacobians and Hessians: the matrix itself, and its products with a vector.

``jvp_y_x(..., v)`` is the Jacobian times v, ``vjp_y_x(..., u)`` its transpose times u, and
``hvp_J_w(..., v)`` the Hessian times v; none of the three forms a matrix. For the Hessian in blocks
of several variables v is one vector, their directions one behind the other, a matrix column by
column, and so is the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.calculus.derivation import Derivation, Result, Sweep
from derive.calculus.order import computed_from
from derive.calculus.tangents import Along, backwards, forwards, tangents
from derive.emit.numpy_code.entries import count_of
from derive.problem import Request
from derive.shapes import ONE, Dim, Shape
from derive.tensor.algebra import contract, number, size_of, transpose, zero
from derive.tensor.nodes import Call, Tensor, Variable

__all__ = [
    "Product",
    "asked_alone",
    "joint_name",
    "joint_product",
    "joint_requests",
    "name_of_function",
    "products",
    "quantities",
]


@dataclass(frozen=True, slots=True)
class Product:
    """A product of a Jacobian or Hessian with a vector.

    Attributes:
        name: Of the function.
        summary: What it returns, and more that there is to say.
        along: How it is computed.
        shape: Declared shape of the direction.
        result: Declared shape of the value.
    """

    name: str
    summary: tuple[str, ...]
    along: Along
    shape: Shape
    result: Shape


def name_of_function(result: Result) -> str:
    """``jacobian_y_x``, ``hessian_J_w`` or ``hessian_J_w_b``."""
    if result.kind == "jacobian":
        return f"jacobian_{result.of}_{result.wrt}"
    parts = [result.of, result.by, *([result.wrt] if result.wrt != result.by else [])]
    return f"hessian_{'_'.join(parts)}"


def joint_name(request: Request, kind: str = "hessian") -> str:
    """``hessian_J_w_b``, for ``hessian J wrt (w, b)``."""
    return f"{kind}_{request.of}_{'_'.join(request.wrt)}"


def joint_requests(derivation: Derivation, sweep: Sweep) -> list[Request]:
    """The requests for a whole Hessian, ``hessian J wrt (w, b)``, whose first rows a sweep has."""
    first = sweep.results[0]
    return [
        request
        for request in dict.fromkeys(derivation.problem.requests)
        if _is_joint(request)
        and (request.of, request.wrt[0]) == (first.of, first.by)
        and not first.through
    ]


def asked_alone(derivation: Derivation, sweep: Sweep) -> list[Result]:
    """The answers that are asked for by themselves, and not only as a block of a Hessian."""
    alone = {
        (request.of, name)
        for request in derivation.problem.requests
        if request.kind == "hessian" and not _is_joint(request)
        for name in request.wrt
    }
    return [r for r in sweep.results if not r.by or (r.by == r.wrt and (r.of, r.by) in alone)]


def _is_joint(request: Request) -> bool:
    return request.kind == "hessian" and request.joint and len(request.wrt) > 1


def products(
    derivation: Derivation, sweep: Sweep, result: Result, taken: frozenset[str]
) -> list[Product]:
    """What is computed with a direction, for one answer."""
    names = quantities(derivation)
    wrt = derivation.names[result.wrt]
    v, u = (_free(name, taken) for name in ("v", "u"))
    shape = derivation.problem.shape(result.wrt)
    if result.kind == "hessian":
        if result.by != result.wrt:
            return []
        along = forwards(sweep.of, wrt, names, v)
        words = f"Hessian of {result.of} with respect to {result.wrt}, times {v}"
        return [Product(f"hvp_{result.of}_{result.wrt}", (words,), along, shape, shape)]
    whole = derivation.problem.shape(result.of)
    pair = f"{result.of}_{result.wrt}"
    words = f"Jacobian of {result.of} with respect to {result.wrt}"
    return [
        Product(
            f"jvp_{pair}", (f"{words}, times {v}",), forwards(sweep.of, wrt, names, v), shape, whole
        ),
        Product(
            f"vjp_{pair}",
            (f"{words}, transposed, times {u}",),
            backwards(sweep.of, wrt, names, u),
            whole,
            shape,
        ),
    ]


def joint_product(derivation: Derivation, request: Request, taken: frozenset[str]) -> Product:
    """The Hessian of several variables times one vector."""
    names = quantities(derivation)
    v = Variable(_free("v", taken), (_entries(derivation, request.wrt),))
    directions: dict[Variable, Variable] = {}
    start: Dim = ONE - ONE
    for name in request.wrt:
        wrt = derivation.names[name]
        label = _free(f"{v.name}_{name}", taken)
        value = _taken(v, start, wrt.shape)
        directions[wrt] = Variable(label, wrt.shape, frozenset(), value, "adjoint", wrt.row)
        start = start + count_of(wrt.shape)
    sweeps = {s.results[0].by: s for s in derivation.sweeps if s.results and _is_of(s, request)}
    rows = [sweeps[name].of for name in request.wrt]
    reached = set[Variable]().union(*map(computed_from, rows))
    order = [variable for variable in names if variable in reached]
    found = tangents(order, directions)
    steps = tuple(tangent for tangent in found.values() if tangent.value is not None)
    moved = tuple(_vec(found.get(row) or zero(row.shape)) for row in rows)
    computed = tuple(variable for variable in order if variable.value is not None)
    every_name = ", ".join(request.wrt)
    words = (
        f"Hessian of {request.of} with respect to {every_name}, times {v.name}",
        f"{v.name} holds their directions one behind the other, a matrix column by column.",
    )
    along = Along(v, computed, steps, Call("joined_0", moved, v.shape))
    return Product(joint_name(request, "hvp"), words, along, v.shape, v.shape)


def _is_of(sweep: Sweep, request: Request) -> bool:
    first = sweep.results[0]
    own = first.kind == "hessian" and not first.through
    return own and first.of == request.of and first.by in request.wrt


def _entries(derivation: Derivation, names: Iterable[str]) -> Dim:
    """How many entries several variables have together."""
    total: Dim = ONE - ONE
    for name in names:
        total = total + count_of(derivation.names[name].shape)
    return total


def _taken(whole: Tensor, start: Dim, shape: Shape) -> Tensor:
    """The part of a vector that is the vec of an array of this shape."""
    offset = number(int(start)) if start.is_Integer else size_of(start)
    if not shape:
        return Call("entry_0", (whole, offset), ())
    part = Call("block_0", (whole, offset), (count_of(shape),))
    return part if len(shape) == 1 else transpose(Call("split_0", (part,), shape[::-1]))


def _vec(tensor: Tensor) -> Tensor:
    """The entries of an array, column by column."""
    if tensor.order == 0:
        return contract(1, [(tensor, ())], (0,), {0: ONE})
    if tensor.order == 1:
        return tensor
    return Call("merged_0", (transpose(tensor),), (count_of(tensor.shape),))


def quantities(derivation: Derivation) -> list[Variable]:
    """Every quantity, the adjoints of gradients too, in the order of computation."""
    found = dict.fromkeys(derivation.names.values())
    for sweep in derivation.sweeps:
        if sweep.kind == "grad":
            found |= dict.fromkeys(step.adjoint for step in sweep.steps)
    return list(found)


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "_"
    return name
