"""Which laws lead from a formula back to one of its variables, for the reasons that are printed.

The functions' laws are those of :data:`derive.calculus.rules.RULES`. What happens in sums and
products is named here after the form in which the variable stands: ``z = W a + b`` is linear in
each of its parts, ``J = ‖r‖²`` quadratic.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.calculus.rules import RULES
from derive.tensor.algebra import terms_of
from derive.tensor.facts import Reason
from derive.tensor.incidence import is_incidence
from derive.tensor.nodes import Call, Contraction, Letters, Map, Sum, Tensor, Variable
from derive.tensor.substitution import variables_of

HALF = Fraction(1, 2)

COARSE = {"multiple": "linear", "outer": "linear", "two_sided": "linear", "applied": "right_factor"}
"""Laws of Jacobians that are not told apart where adjoints are sent back."""

MINOR = frozenset(
    "addend scaled hadamard linear inner_product transposed multiple outer two_sided".split()
)
UNSAID = frozenset({"addend", "summed", "linear", "multiple"})
"""Laws that go without saying beside any other."""

NORMS = frozenset({"norm", "squared_norm"})
"""Laws that go without saying where a function's law is named."""

INCIDENCE = {"lower": "triangle", "select": "block", "pair": "rearranged"}
"""Laws of what only moves entries about."""

AS_ADJOINTS = frozenset(
    "left_factor applied right_factor addend scaled hadamard inner_product transposed summed "
    "repeated_entries repeated_columns repeated_rows multiple outer two_sided triangle block "
    "rearranged".split()
)
"""Laws that are said in one form of adjoints, in another of differentials."""

__all__ = ["laws_between", "local_laws"]


def local_laws(body: Tensor, target: Variable) -> tuple[Reason, ...]:
    """The laws behind the local Jacobian of a formula; those of products say what dz is."""
    return tuple(
        Reason(f"d_{law.law}", law.subjects) if law.law in AS_ADJOINTS else law
        for law in _laws(body, target, {})
    )


def laws_between(body: Tensor, target: Variable) -> tuple[Reason, ...]:
    """The laws used on the way from a formula to a variable in it, outermost first."""
    return _laws(body, target, COARSE)


def _laws(body: Tensor, target: Variable, coarse: Mapping[str, str]) -> tuple[Reason, ...]:
    found: dict[Reason, None] = {}
    if body is target:
        return (Reason("same", (target,)),)
    _collect(body, target, found)
    found = dict.fromkeys(Reason(coarse.get(x.law, x.law), x.subjects) for x in found)
    if any(law.law == "norm" for law in found):
        found.pop(Reason("squared_norm", (target,)), None)
    found = dict.fromkeys([law for law in found if law.law not in UNSAID] or found)
    telling = {law for law in found if law.law in RULES or law.law in NORMS}
    telling = telling or {law for law in found if law.law == "product_rule"}
    if telling and not isinstance(body, Map | Call):
        return tuple(law for law in found if law in telling or law.law not in MINOR)
    return tuple(found)


def _collect(tensor: Tensor, target: Variable, found: dict[Reason, None]) -> None:
    if isinstance(tensor, Map):
        found[Reason(tensor.function, (tensor,))] = None
        for arg, _ in tensor.args:
            if arg is not target and target in variables_of(arg):
                _collect(arg, target, found)
    elif isinstance(tensor, Call):
        found[Reason(tensor.function, (tensor,))] = None
        for arg in tensor.args:
            if arg is not target and target in variables_of(arg):
                _collect(arg, target, found)
    elif not isinstance(tensor, Variable):
        for term in terms_of(tensor):
            if target in variables_of(term):
                _through_term(term, target, found)


def _through_term(term: Contraction, target: Variable, found: dict[Reason, None]) -> None:
    places = [p for p, factor in enumerate(term.factors) if factor[0] is target]
    if len(places) == 1:
        found[Reason(_form(term, places[0]), (target,))] = None
    sums = [
        place
        for place, (factor, _, power) in enumerate(term.factors)
        if isinstance(factor, Sum) and power == 1 and target in variables_of(factor)
    ]
    if not places and len(sums) == 1:
        found[Reason(_form(term, sums[0]), (target,))] = None
    inner = [f for f, _, _ in term.factors if f is not target and target in variables_of(f)]
    if len(places) + len(inner) > 1 and Reason("product_rule", (target,)) not in found:
        found[Reason("product_rule", (target,))] = None
    for factor, _, power in term.factors:
        if power != 1 and factor in inner:
            found[Reason(_power_law(term, factor, power), (target,))] = None
    for factor in inner:
        _collect(factor, target, found)


def _power_law(term: Contraction, factor: Tensor, power: Fraction) -> str:
    if power == HALF:
        squared = isinstance(factor, Contraction) and [f[2] for f in factor.factors] == [2]
        return "norm" if squared and not factor.order else "root"
    alone = power == 2 and not term.order and sum(bool(f[1]) for f in term.factors) == 1
    return "squared_norm" if alone else "power"


def _form(term: Contraction, place: int) -> str:
    """The name of the law for a factor of a term, a variable or a sum with it."""
    _, letters, power = term.factors[place]
    others = [f for p, f in enumerate(term.factors) if p != place and f[1]]
    if power == 2 and letters and not term.order and not others:
        return "squared_norm"
    if power != 1:
        return "power"
    if not others:
        if len(term.factors) == 1:
            return _alone(term, letters)
        return "multiple" if letters == tuple(range(term.order)) else "linear"
    beside = {f[0].function for f in others if isinstance(f[0], Call) and is_incidence(f[0])}
    if len(beside) == 1 and all(is_incidence(f[0]) for f in others):
        return INCIDENCE[beside.pop()]
    shared = [x for x in letters for f in others if x in f[1]]
    summed = [x for x in shared if x >= term.order]
    if len(others) == 1 and len(summed) == 1 and term.order:
        return _matrix_product(letters, others[0][1], summed[0])
    if len(others) == 1 and not term.order and len(set(letters)) == len(shared):
        return "inner_product"
    if not summed and shared and set(letters) == set(range(term.order)):
        return "hadamard"
    if len(others) == 1 and term.order == 2 and not shared and len(letters) == 1:
        return "outer"
    if len(others) == 2 and term.order == 2 and len(set(summed)) == 2 == len(letters):
        return "two_sided" if all(len(f[1]) == 2 for f in others) else "linear"
    return "linear"


def _alone(term: Contraction, letters: Letters) -> str:
    if len(letters) == 2 and letters[0] == letters[1]:
        return "trace"
    if any(x >= term.order for x in letters):
        return "summed"
    if len(letters) < term.order:
        if not letters:
            return "repeated_entries"
        return "repeated_columns" if letters == (0,) else "repeated_rows"
    if letters == (1, 0):
        return "transposed"
    return "addend" if abs(term.coefficient) == 1 else "scaled"


def _matrix_product(own: tuple[int, ...], other: tuple[int, ...], letter: int) -> str:
    """Whether the variable is the left or the right factor of ``Y = A B``."""
    if len(own) == 1:
        return "applied"
    if len(other) == 1:
        return "left_factor"
    mine = next(x for x in own if x != letter)
    return "left_factor" if mine == 0 else "right_factor"
