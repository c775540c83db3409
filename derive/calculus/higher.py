"""Derivatives of third and higher order: Jacobians of Jacobians, and their entries.

``D2`` is the Hessian, the Jacobian of the gradient by the second variable; ``D3`` is the Jacobian
of the vec of D2 by the third, and so on. Entry ``∂³J/∂u[i]∂v[j]∂w[k]`` is found again in D3 by the
letters that its rows and columns count together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from derive.calculus.derivation import Sweep
from derive.calculus.jacobians import jacobian_sweep, over_pairs, vec_shape
from derive.shapes import Shape
from derive.tensor import incidence
from derive.tensor.algebra import ONE, add, contract
from derive.tensor.nodes import Factor, Letters, Tensor, Variable
from derive.tensor.simplification import expand

__all__ = ["higher_sweeps", "of_entries"]


def higher_sweeps(
    label: str,
    gradient: Variable,
    chain: Sequence[Variable],
    names: Sequence[Variable],
    named: Callable[[str], str],
) -> tuple[list[Sweep], list[Variable]]:
    """One sweep for each order from the second on.

    Args:
        label: The name of the scalar.
        gradient: Its gradient by the first variable.
        chain: The variables, in the order in which one differentiates by them.
        names: Every quantity and adjoint, in the order of computation.
        named: Makes a name that is taken already a new one.

    Returns:
        The sweeps, and the derivatives between them as quantities, ``D2, D3, ...``.

    Raises:
        UnsupportedError: A function on the way has no Jacobian in closed form.
    """
    above, by = gradient, chain[0].name
    everything, found, sweeps = list(names), list[Variable](), list[Sweep]()
    for order, variable in enumerate(chain[1:], start=2):
        sweep = jacobian_sweep(above, [variable], everything, label, by)
        (result,) = sweep.results
        if order > 2:
            through = tuple(v.name for v in chain[:order])
            result = replace(result, kind="derivative", through=through)
            sweep = replace(sweep, results=(result,))
        sweeps.append(sweep)
        if order == len(chain):
            break
        value = result.gradient
        above = Variable(
            named(f"D{order}"), value.shape, frozenset(), value, "introduced", result.row
        )
        by = above.name
        everything += [*(step.adjoint for step in sweep.steps), above]
        found.append(above)
    return sweeps, found


def of_entries(derivative: Tensor, chain: Sequence[Variable]) -> Tensor:
    """The array of all entries of a derivative.

    Args:
        derivative: Over the vec of the derivative of one order less, and that of the last variable.
        chain: The variables.

    Returns:
        Its axes are those of every variable in turn.
    """
    found = [_term_of_entries(term, chain) for term in over_pairs(derivative)]
    return expand(add(found, tuple(dim for variable in chain for dim in variable.shape)))


def _term_of_entries(term: Tensor, chain: Sequence[Variable]) -> Tensor:
    shapes = [chain[0].shape]
    for variable in chain[1:]:
        shapes.append((*vec_shape(shapes[-1]), *vec_shape(variable.shape)))
    fresh = count(term.order)
    factors: list[Factor] = [(term, tuple(range(term.order)), ONE)]

    def apart(whole: int, shape: Shape) -> Letters:
        """The letters of an array whose vec has one letter."""
        if len(shape) < 2:
            return (whole,)
        row, column = next(fresh), next(fresh)
        factors.append((incidence.pair(shape[1], shape[0]), (whole, column, row), ONE))
        return row, column

    def entries(order: int, letters: Letters) -> Letters:
        """The letters of all variables, from those of the axes of the derivative of an order."""
        if order == 0:
            return letters
        own = list(letters)
        inner: Letters = ()
        if shapes[order - 1]:
            inner = entries(order - 1, apart(own.pop(0), shapes[order - 1]))
        outer = apart(own.pop(0), chain[order].shape) if chain[order].shape else ()
        return (*inner, *outer)

    free = entries(len(chain) - 1, tuple(range(term.order)))
    dims = (dim for variable in chain for dim in variable.shape)
    return contract(1, factors, free, dict(zip(free, dims, strict=True)))
