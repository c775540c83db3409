"""The derivation as data: what is computed, step by step backwards, and what comes out.

A :class:`Derivation` is immutable and holds everything that any printing of it shows. Quantities
are :class:`~derive.tensor.nodes.Variable` s; every formula in it is a tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from derive.problem import Problem
from derive.tensor.facts import Reason
from derive.tensor.nodes import Tensor, Variable

__all__ = ["Derivation", "Line", "Result", "Source", "Step", "Sweep"]


@dataclass(frozen=True, slots=True)
class Source:
    """What one quantity sends back to another.

    Attributes:
        user: The quantity ``u`` that is computed from ``v``.
        adjoint: Its adjoint ``u_bar``; None for the quantity that is differentiated, whose is 1.
        jacobian: The local Jacobian du/dv where it has at most two axes, else None; axes: those
            of u, then those of v.
        sent: Its contribution to ``v_bar``, written with ``u_bar``.
        laws: The laws of differentiation used between ``u`` and ``v``.
    """

    user: Variable
    adjoint: Variable | None
    jacobian: Tensor | None
    sent: Tensor
    laws: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One equality: ``v_bar = tensor``, and why it equals the line before."""

    tensor: Tensor
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """The adjoint of one quantity.

    Attributes:
        quantity: The variable ``v``.
        adjoint: ``v_bar``; its value is the result of the step.
        sources: One for each quantity that is computed from ``v``.
        lines: From the chain rule to the result.
        sought: Whether it was asked for.
    """

    quantity: Variable
    adjoint: Variable
    sources: tuple[Source, ...]
    lines: tuple[Line, ...]
    sought: bool

    @property
    def result(self) -> Tensor:
        """The adjoint, simplified."""
        return self.lines[-1].tensor


@dataclass(frozen=True, slots=True)
class Result:
    """One answer.

    Attributes:
        of, wrt: Names of the scalar and of the variable.
        gradient: Written with the names of the steps.
        structure: The fact whose structure the gradient was given, or "".
        occurs: Whether the variable occurs in what is differentiated.
        kind: ``grad``, ``jacobian``, ``hessian`` or ``derivative`` (of third or higher order); all
            but the first are matrices over vecs.
        by: For a Hessian, the variable of the gradient that is differentiated; its entries are
            the rows.
        row: Whether a vector stands for a row.
        through: For a derivative of third or higher order, all its variables in turn; ``by`` is
            the name of the derivative of one order less.
    """

    of: str
    wrt: str
    gradient: Tensor
    structure: str
    occurs: bool
    kind: str = "grad"
    by: str = ""
    row: bool = False
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything about one differentiated scalar: the way back, and the answers.

    Attributes:
        of: The scalar.
        forward: Quantities that it is computed from and that have formulas, in order.
        steps: Backwards, one for each quantity on the way.
        results: One for each variable asked about; none where the sweep only leads to a Hessian.
        kind: ``grad`` or ``jacobian``: whether steps are adjoints or Jacobians.
    """

    of: Variable
    forward: tuple[Variable, ...]
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    kind: str = "grad"


NOTEBOOK: Final = "derive.notebook"
"""The module that shows a derivation in a notebook; by name, since it is built on this one."""


@dataclass(frozen=True, eq=False, repr=False)
class Derivation:
    """A problem and its answers; each derivation is itself and no other.

    In a notebook it shows itself as its notes.

    Attributes:
        problem: As it was posed.
        names: Every quantity by name: variables, definitions, and the names that were introduced.
        sweeps: One for each scalar that is differentiated.
    """

    problem: Problem
    names: Mapping[str, Variable]
    sweeps: tuple[Sweep, ...]

    @property
    def results(self) -> tuple[Result, ...]:
        """All answers, in the order of the requests."""
        return tuple(result for sweep in self.sweeps for result in sweep.results)

    @property
    def introduced(self) -> tuple[Variable, ...]:
        """The names that were introduced for the derivation's sake."""
        return tuple(v for v in self.names.values() if v.role == "introduced")

    def __repr__(self) -> str:
        asked = dict.fromkeys((result.of, result.wrt) for result in self.results)
        pairs = ", ".join(f"{of} by {wrt}" for of, wrt in asked)
        return f"<Derivation {self.problem.name}: {pairs}>"

    def _shown(self, form: str) -> str | None:
        found: str | None = import_module(NOTEBOOK).shown(self, form)
        return found

    def _repr_html_(self) -> str | None:
        return self._shown("html")

    def _repr_latex_(self) -> str | None:
        return self._shown("latex")

    def _repr_markdown_(self) -> str | None:
        return self._shown("markdown")
