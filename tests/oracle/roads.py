"""The roads by which the library answers a request, each beside the oracle.

The functions of the generated module; the closed forms, read back from the language; and, where it
is installed, JAX, which judges the oracle.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from derive.calculus.derivation import Result
from derive.calculus.layout import Layout
from derive.emit.text import LANGUAGE, text
from derive.language import parse_expression
from derive.notation.answers import closed_form, closed_tensor, explained, explanation
from derive.notation.expression import Expr
from derive.tensor.nodes import Contraction, Tensor, Variable
from derive.tensor.parts import children
from tests.oracle.answers import Answer, Array, Asked, Wrong, near
from tests.oracle.oracle import Evaluation
from tests.oracle.reading import read_expression
from tests.oracle.sizes import size_of
from tests.oracle.tree import Node, walk
from tests.tensor import evaluation

__all__ = ["by_jax", "by_module", "by_print"]

SLACK: Final = 1e-9
ROUNDED: Final = 1e-9
"""Roundings may come to so much of the largest value on the way, if more digits take them away."""
MOST_PRODUCTS: Final = 20_000
"""What is a sum of more products is not computed as one."""

SYMMETRIC: Final = 1e-10
"""How much of its largest entry a Hessian may differ by from its transpose."""


def by_module(asked: Asked) -> None:
    """The functions of the module, called.

    Raises:
        Wrong: A value, a shape or a derivative is not that of the oracle.
    """
    {"grad": _gradients, "jacobian": _jacobians, "hessian": _hessians}[asked.request.kind](asked)


def _value_beside(asked: Asked) -> None:
    value, expected = asked.called(f"value_and_grad_{asked.of}")[0], asked.expected.value.item()
    if not abs(value - expected) <= asked.allowed[""]:
        raise Wrong(f"value {value!r}, expected {expected!r}")


def _operations(asked: Asked) -> frozenset[str]:
    """What a problem is made of."""
    bodies = [body for _, body in asked.task.definitions]
    bodies += [request.of for request in asked.task.requests]
    return frozenset(part.op for body in bodies for part in walk(body))


def _gradients(asked: Asked) -> None:
    _value_beside(asked)
    for name, gradient in asked.expected.derivatives.items():
        what = f"gradient with respect to {name}"

        def given(digits: Any, name: str = name, what: str = what) -> Any:
            return asked.array(name).vec(
                asked.called(f"grad_{asked.of}_{name}", digits=digits), what
            )

        _near(asked, given, np.ravel(gradient, order="F"), asked.allowed[name], what)


def _jacobians(asked: Asked) -> None:
    of = asked.value
    for name, expected in asked.expected.derivatives.items():
        pair, by, allowed = f"{asked.of}_{name}", asked.array(name), asked.allowed[name]
        _, allowed = _matrix(asked, f"jacobian_{pair}", expected, (of, by), allowed)
        _structure(asked, f"jacobian_{pair}", expected, allowed)
        _product(asked, f"jvp_{pair}", expected, (by, of), allowed)
        _product(asked, f"vjp_{pair}", expected.T, (of, by), allowed)


def _hessians(asked: Asked) -> None:
    _value_beside(asked)
    found, wrt = asked.expected.derivatives, asked.request.wrt
    if asked.request.joint:
        whole = np.block([[found[f"{by}, {name}"] for name in wrt] for by in wrt])
        allowed = max(asked.allowed.values())
        _hessian(asked, "_".join(wrt), whole, Array(whole.shape[:1], 1), allowed)
        return
    for name in wrt:
        expected, allowed = found[f"{name}, {name}"], asked.allowed[f"{name}, {name}"]
        by = asked.array(name)
        _hessian(asked, name, expected, by, allowed)
        _product(asked, f"hvp_{asked.of}_{name}", expected, (by, by), allowed)


def _hessian(asked: Asked, names: str, expected: Any, by: Array, allowed: float) -> None:
    """A Hessian: its values, and that it is symmetric."""
    function = f"hessian_{asked.of}_{names}"
    got, allowed = _matrix(asked, function, expected, (by, by), allowed)
    largest = float(np.max(np.abs(expected), initial=0.0))
    slack = min(allowed, SYMMETRIC * max(largest, asked.expected.largest))
    near(got, got.T, slack, f"{function} beside its transpose")
    _structure(asked, function, expected, allowed)


def _matrix(
    asked: Asked, function: str, expected: Any, arrays: tuple[Array, Array], allowed: float
) -> tuple[Any, float]:
    """A matrix over two vecs that a function returns, and the error allowed."""
    extent = tuple(array.size for array in arrays if array.order)

    def given(digits: Any) -> Any:
        got = asked.called(function, digits=digits)
        if np.shape(got) != extent:
            raise Wrong(f"{function} has shape {np.shape(got)}, not {extent}")
        return np.reshape(got, expected.shape)

    return _near(asked, given, expected, allowed, function)


def _near(
    asked: Asked, given: Callable[[Any], Any], expected: Any, allowed: float, what: str
) -> tuple[Any, float]:
    """What is given, compared, and the error allowed: also that which more digits take away.

    Raises:
        Wrong: It differs by more, and not by roundings alone.
    """
    got = given(np.float64)
    off = float(np.max(np.abs(got - expected), initial=0.0))
    if off > allowed and off <= ROUNDED * asked.expected.largest:
        with contextlib.suppress(TypeError):
            left = float(np.max(np.abs(given(np.longdouble) - expected), initial=0.0))
            allowed = max(allowed, 2 * off) if left <= allowed and left <= off / 100 else allowed
    near(got, expected, allowed, what)
    return got, allowed


def _structure(asked: Asked, function: str, expected: Any, allowed: float) -> None:
    """The factors of a matrix: their product, and its products with vectors."""
    if not asked.takes_structure(function):
        return
    found = asked.called(function, structure=True)
    near(found.dense(), expected, allowed, f"{function} from its structure")
    for matrix, factors in ((expected, found), (expected.T, found.T)):
        vec = np.random.default_rng(matrix.shape).normal(size=matrix.shape[1])
        slack = allowed * float(np.sum(np.abs(vec)))
        near(factors @ vec, matrix @ vec, slack, f"{function}, its structure times a vector")


def _product(
    asked: Asked, function: str, matrix: Any, arrays: tuple[Array, Array], allowed: float
) -> None:
    """A product with a vector, beside that of the matrix."""
    along, result = arrays
    vec = np.random.default_rng(matrix.shape).normal(size=along.size)

    def given(digits: Any) -> Any:
        return result.vec(asked.called(function, along.given(vec), digits), function)

    _near(asked, given, matrix @ vec, allowed * float(np.sum(np.abs(vec))), function)


def by_jax(asked: Asked) -> None:
    """The other oracle, where this one can be trusted.

    Raises:
        Wrong: They differ.
    """
    from tests.oracle.jax_oracle import jax_reference

    value, derivatives = jax_reference(asked.task, asked.request, asked.values, asked.sizes)
    near(value, asked.expected.value, asked.allowed[""], "the value by JAX")
    for name, expected in asked.expected.derivatives.items():
        near(derivatives[name], expected, asked.allowed[name], f"by JAX, {name}")


def by_print(asked: Asked) -> None:
    """The closed forms in the language: the library reads them, and their values are right.

    Raises:
        Wrong: A value is not that of the oracle.
    """
    task, derivation = asked.task, asked.answer.derivation
    given = Evaluation(asked.values, asked.sizes)
    operations = _operations(asked)
    for name, node in task.definitions:
        given.values[name] = given.value(node)
    for result in derivation.results:
        expected = asked.expected.derivatives.get(_key(result))
        if (result.of, result.kind) != (asked.of, asked.request.kind) or expected is None:
            continue
        layouts = ("numerator", "denominator")[: 1 + (result.kind == "jacobian")]
        for layout in layouts:
            turned = expected.T if layout == "denominator" else expected
            form, got = _printed(result, asked, given, layout)
            if got is None:
                continue
            full = np.broadcast_to(got, turned.shape)
            if not np.all(np.isfinite(full)) and "prod" in operations:
                continue  # prod(x) ./ x where an entry is 0
            what = f"{result.kind} printed for {_key(result)}, {form},"
            near(full, turned, asked.allowed[_key(result)], what)


def _printed(result: Result, asked: Asked, given: Evaluation, layout: Layout) -> tuple[str, Any]:
    """A closed form in the language and its value; where it has indices, the tensor's."""
    derivation = asked.answer.derivation
    form = closed_form(result, derivation, layout)
    names = explained(result, derivation, layout)
    meanings = {name: explanation(name, derivation, layout) for name in names}
    with np.errstate(all="ignore"):
        if any(part.has_index for part in (form, *meanings.values())):
            return "in indices", _of_tensor(result, asked, layout)
        written = text(form, LANGUAGE)
        return written, _read_again(written, meanings, asked.answer, given)


def _most_products(tensor: Tensor, sizes: Mapping[str, int]) -> int:
    """How many products of entries the largest contraction in a tensor is a sum of."""
    own = 0
    if isinstance(tensor, Contraction):
        own = math.prod(evaluation.size(dim, sizes) for dim in tensor.dims.values())
    parts = children(tensor)
    if isinstance(tensor, Variable) and tensor.value is not None:
        parts = (tensor.value,)
    return max((own, *(_most_products(part, sizes) for part in parts)))


def _of_tensor(result: Result, asked: Asked, layout: Layout) -> Any:
    """The value of a closed form that has no matrix form; None if it takes long."""
    derivation, sizes = asked.answer.derivation, dict(asked.sizes)
    sizes |= {own: size_of(dim, asked.sizes) for own, dim in asked.answer.renamed.items()}
    values = {}
    for name, value in asked.values.items():
        shape = derivation.names[name].shape
        values[name] = np.reshape(value, tuple(evaluation.size(dim, sizes) for dim in shape))
    tensor = closed_tensor(result, derivation, layout)
    if _most_products(tensor, sizes) > MOST_PRODUCTS:
        return None
    extents = [asked.value if result.kind == "jacobian" else asked.array(result.by or result.wrt)]
    found = evaluation.evaluate(tensor, values, sizes)
    if result.kind == "grad":
        return np.reshape(found, extents[0].extent)
    extents.append(asked.array(result.wrt))
    rows, columns = (array.size for array in extents)
    return np.reshape(found, (columns, rows) if layout == "denominator" else (rows, columns))


def _key(result: Result) -> str:
    return f"{result.by}, {result.wrt}" if result.kind == "hessian" else result.wrt


def _read_again(
    written: str, meanings: Mapping[Variable, Expr], answer: Answer, given: Evaluation
) -> Any:
    """The value of what is printed, read by the library and by the reader here."""
    dims, here = set(answer.task.dims), Evaluation(given.values, given.sizes, slack=SLACK)
    known = {name: Node("name", (), shape, name) for name, shape in answer.task.shapes.items()}
    shapes: dict[str, Sequence[Any]] = {}
    for variable, form in meanings.items():
        meaning = text(form, LANGUAGE)
        parse_expression(meaning, answer.problem, shapes)
        node = read_expression(_with(answer.renamed, meaning), known, dims)
        name = LANGUAGE.name(variable)
        here.values[name] = here.value(node)
        known[name] = Node("name", (), node.shape, name)
        shapes[name] = (1, *variable.shape) if variable.row else variable.shape
    parse_expression(written, answer.problem, shapes)
    return here.value(read_expression(_with(answer.renamed, written), known, dims))


def _with(renamed: Mapping[str, str], written: str) -> str:
    return re.sub(r"\b\w+\b", lambda word: renamed.get(word[0], word[0]), written)
