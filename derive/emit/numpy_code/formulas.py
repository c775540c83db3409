"""The formulas of a sweep as code computes them: stable, without axes that are only repeated.

An adjoint that is a number or another name gets no line of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from derive.calculus.derivation import Sweep
from derive.emit.numpy_code.arrays import Arrays
from derive.emit.numpy_code.ends import labels_in
from derive.emit.numpy_code.lowering import TensorLowering
from derive.emit.numpy_code.stable import stabilised
from derive.tensor.algebra import relabel, squeeze
from derive.tensor.nodes import Call, Contraction, Tensor, Variable
from derive.tensor.parts import children
from derive.tensor.substitution import substitute, variables_of

__all__ = ["Formulas", "thinned"]

WORTH: Final = 0.7
"""An adjoint is written out in its only user if no more than this part of the cost remains."""


@dataclass
class Formulas:
    """The formulas of a sweep as code computes them.

    Attributes:
        of: By variable: forward quantities, then adjoints, in order of computation.
        standing: What is written in place of a variable that has no formula of its own: another
            name, a number, or a smaller array repeated along an axis.
        forward: The variables that are quantities of the problem.
        labels: Given variables that probabilities are compared with.
    """

    of: dict[Variable, Tensor] = field(default_factory=dict)
    standing: dict[Variable, Tensor] = field(default_factory=dict)
    forward: set[Variable] = field(default_factory=set)
    labels: set[Tensor] = field(default_factory=set)

    @classmethod
    def of_sweep(cls, sweep: Sweep) -> Formulas:
        """The formulas of a sweep."""
        formulas = cls()
        for quantity in sweep.forward:
            formulas.enter(quantity)
        for step in sweep.steps:
            formulas.enter(step.adjoint)
        return formulas

    def enter(self, variable: Variable) -> None:
        """Take in the next variable."""
        assert variable.value is not None
        is_adjoint = variable.role == "adjoint"
        value = self.written(stabilised(variable.value, self.labels, is_adjoint))
        if not is_adjoint:
            self.labels.update(labels_in(value))
        inner, kept = squeeze(value)
        is_number = isinstance(value, Contraction) and not value.factors
        if is_number or (is_adjoint and isinstance(value, Variable)):
            self.standing[variable] = value
        elif len(kept) < variable.order:
            lean = Variable(variable.name, inner.shape, frozenset(), None, variable.role)
            self.standing[variable] = relabel(lean, kept, variable.shape)
            self._define(lean, inner, is_adjoint)
        else:
            self._define(variable, value, is_adjoint)

    def _define(self, variable: Variable, value: Tensor, is_adjoint: bool) -> None:
        self.of[variable] = value
        if not is_adjoint:
            self.forward.add(variable)

    def written(self, tensor: Tensor) -> Tensor:
        """A tensor over variables that have formulas or are given."""
        return substitute(tensor, self.standing)

    def needed(self, outputs: Sequence[Tensor]) -> list[Variable]:
        """The variables that outputs are computed from, in order; given ones are left out."""
        found: set[Variable] = set()
        stack = [variable for output in outputs for variable in variables_of(output)]
        while stack:
            variable = stack.pop()
            if variable in self.of and variable not in found:
                found.add(variable)
                stack.extend(variables_of(self.of[variable]))
        return [variable for variable in self.of if variable in found]


def thinned(
    formulas: Formulas, outputs: Mapping[str, Tensor], closed: Collection[str] = ()
) -> tuple[Formulas, dict[str, Tensor]]:
    """The formulas without adjoints that are better not computed by themselves.

    An adjoint is written out in the formulas that use it where that takes fewer operations (a sum
    of the rows of a product needs no product); one that is only repeated to give a result is
    written out in the result.

    Args:
        formulas: Of the sweep.
        outputs: Results by name.
        closed: Those in which no adjoint is written out.
    """
    found = dict(outputs)
    of = dict(formulas.of)
    users: dict[Variable, list[Variable | str]] = {}
    for needed in formulas.needed(tuple(outputs.values())):
        for variable in variables_of(of[needed]):
            users.setdefault(variable, []).append(needed)
    for label, tensor in outputs.items():
        for variable in variables_of(tensor):
            users.setdefault(variable, []).append(label)
    costs = TensorLowering(Arrays(), {}, (), _inverses(of.values()))
    for variable in reversed(formulas.of):
        using = list(dict.fromkeys(users.get(variable, ())))
        if variable in formulas.forward or not using:
            continue
        values = {variable: of[variable]}
        inner = [user for user in using if isinstance(user, Variable)]
        if not inner and len(using) == 1 and outputs[str(using[0])] is not variable:
            label = str(using[0])
            if label in closed:
                continue
            found[label] = substitute(found[label], values)
            for part in variables_of(of.pop(variable)):
                if part in users:
                    users[part] = [*(u for u in users[part] if u is not variable), label]
            continue
        if len(inner) < len(using):
            continue
        wide = {user: substitute(of[user], values) for user in inner}
        before = costs.cost(of[variable]) + sum(costs.cost(of[user]) for user in inner)
        if sum(map(costs.cost, wide.values())) < WORTH * before:
            of.update(wide)
            del of[variable]
            for part in variables_of(values[variable]):
                users[part] = [*(u for u in users[part] if u is not variable), *inner]
    return Formulas(of, formulas.standing, formulas.forward), found


def _inverses(formulas: Iterable[Tensor]) -> Iterator[Tensor]:
    """The inverses in some formulas; each is computed once, so its own cost does not count."""
    for formula in formulas:
        if isinstance(formula, Call) and formula.function == "inverse":
            yield formula
        yield from _inverses(children(formula))
