"""The two layouts in which books write Jacobians.

==============  =============================  ====================================
layout          ∂y/∂x, y of size m, x of n     chain rule
==============  =============================  ====================================
numerator       m x n, row i belongs to y_i    ``∂y/∂x = (∂y/∂u) (∂u/∂x)``
denominator     n x m, row j belongs to x_j    ``∂y/∂x = (∂u/∂x) (∂y/∂u)``
==============  =============================  ====================================

Each is the transpose of the other, entry for entry; a gradient has the shape of its variable in
both. Derivations are made in numerator layout and turned here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias, get_args

from derive.calculus.derivation import Line, Source, Step, Sweep
from derive.errors import InputError
from derive.tensor.algebra import transpose
from derive.tensor.nodes import Tensor, Variable
from derive.tensor.substitution import substitute, variables_of

__all__ = ["LAYOUTS", "Layout", "in_layout"]

Layout: TypeAlias = Literal["numerator", "denominator"]

LAYOUTS: Final[tuple[str, ...]] = get_args(Layout)
"""The layouts by name, the usual one first."""


def in_layout(sweep: Sweep, layout: Layout) -> Sweep:
    """A sweep with its Jacobians in a layout; one of gradients as it is.

    Args:
        sweep: As it was derived, in numerator layout.
        layout: Which is wanted.

    Raises:
        InputError: There is no such layout.
    """
    if layout not in LAYOUTS:
        raise InputError(f"{layout} is no layout", (f"Layouts are {' and '.join(LAYOUTS)}.",))
    if layout == "numerator" or sweep.kind == "grad":
        return sweep
    turning = _Turning()
    steps = tuple(map(turning.step, sweep.steps))
    results = tuple(
        replace(r, gradient=turning.tensor(r.gradient), row=r.gradient.order == 1 and not r.row)
        for r in sweep.results
    )
    return replace(sweep, steps=steps, results=results)


class _Turning:
    """Turns the Jacobians of a sweep, and their names wherever they are written.

    A tensor of order 1 stays as it is; it stands for a row where it stood for a column.
    """

    def __init__(self) -> None:
        self.turned: dict[Variable, Variable] = {}

    def step(self, step: Step) -> Step:
        sources = tuple(map(self._source, step.sources))
        lines = tuple(Line(self.tensor(line.tensor), line.reasons) for line in step.lines)
        return Step(step.quantity, self.variable(step.adjoint), sources, lines, step.sought)

    def _source(self, source: Source) -> Source:
        adjoint = None if source.adjoint is None else self.variable(source.adjoint)
        local = None if source.jacobian is None else transpose(source.jacobian)
        return replace(source, adjoint=adjoint, jacobian=local, sent=self.tensor(source.sent))

    def variable(self, jacobian: Variable) -> Variable:
        """A Jacobian by its name, turned."""
        known = self.turned.get(jacobian)
        if known is None:
            assert jacobian.value is not None
            value, row = self.tensor(jacobian.value), jacobian.order == 1 and not jacobian.row
            name, facts, role = jacobian.name, jacobian.facts, jacobian.role
            known = Variable(name, value.shape, facts, value, role, row)
            self.turned[jacobian] = known
        return known

    def tensor(self, tensor: Tensor) -> Tensor:
        """A Jacobian's formula, turned, with the names of turned Jacobians."""
        jacobians = (part for part in variables_of(tensor) if part.role == "jacobian")
        return transpose(substitute(tensor, {v: transpose(self.variable(v)) for v in jacobians}))
