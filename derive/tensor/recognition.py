"""Named functions recognised in their spelled-out forms.

``log(1 + exp(t))`` is softplus, ``exp(z)/sum(exp(z))`` is softmax: people read the name, and the
name computes stably. Each rule is one function that takes a node whose parts are recognised already
and returns the named form, or None; :data:`RULES` lists them with the identity each stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from derive.tensor.algebra import (
    add,
    apply,
    as_contraction,
    contract,
    invoke,
    number,
    ones,
    relabel,
    scale,
    terms_of,
)
from derive.tensor.nodes import Call, Contraction, Delta, Factor, Letters, Map, Sum, Tensor

__all__ = ["IDENTITIES", "apart", "recognise"]


def recognise(tensor: Tensor, used: list[str] | None = None) -> Tensor:
    """The named form of a node, or the node; its parts are recognised already.

    Args:
        tensor: The node.
        used: The identities that were used are added to it.
    """
    for identity, rule in IDENTITIES.get(type(tensor), ()):
        found = rule(tensor)
        if found is not None:
            if used is not None:
                used.append(identity)
            return recognise(found, used)
    return tensor


def _axes(tensor: Tensor) -> Letters:
    return tuple(range(tensor.order))


def _map_of(tensor: Tensor, function: str) -> Tensor | None:
    """The argument, if the tensor is this function of one array along its own axes."""
    if isinstance(tensor, Map) and tensor.function == function and len(tensor.args) == 1:
        return tensor.args[0][0]
    return None


def _constant(tensor: Tensor) -> Fraction | None:
    """The number that all entries are, if they are."""
    if isinstance(tensor, Contraction) and not tensor.factors:
        return tensor.coefficient
    return None


def _one_plus_exp(tensor: Tensor) -> Tensor | None:
    """t, if the tensor is 1 + exp(t)."""
    if not isinstance(tensor, Sum) or len(tensor.terms) != 2:
        return None
    for one, other in (tensor.terms, tensor.terms[::-1]):
        if one.factors or one.coefficient != 1 or other.coefficient != 1:
            continue
        if len(other.factors) == 1:
            factor, letters, power = other.factors[0]
            if letters == _axes(tensor) and power == 1:
                return _map_of(factor, "exp")
    return None


def _log(tensor: Map) -> Tensor | None:
    (argument, _), *rest = tensor.args
    if tensor.function == "log1p":
        exponent = _map_of(argument, "exp")
        if exponent is not None:
            return apply("softplus", [(exponent, _axes(exponent))], exponent.shape)
    if tensor.function != "log" or rest:
        return None
    exponent = _one_plus_exp(argument)
    if exponent is not None:
        return apply("softplus", [(exponent, _axes(exponent))], exponent.shape)
    exponent = _map_of(argument, "exp")
    if exponent is not None:
        return exponent
    if isinstance(argument, Call) and argument.function == "softmax":
        return invoke("log_softmax", argument.args, argument.shape)
    if isinstance(argument, Call) and argument.function == "det":
        return invoke("logdet", argument.args, ())
    return _log_of_sum(argument)


def _log_of_sum(argument: Tensor) -> Tensor | None:
    """log(sum(exp(z))) along the last axis."""
    if not isinstance(argument, Contraction) or argument.coefficient != 1:
        return None
    if len(argument.factors) != 1 or len(argument.summed) != 1:
        return None
    factor, letters, power = argument.factors[0]
    exponent = _map_of(factor, "exp")
    if exponent is None or power != 1 or set(letters[:-1]) != set(_axes(argument)):
        return _log_of_column_sum(exponent, letters, argument) if exponent is not None else None
    if letters[:-1] != _axes(argument):
        return None
    return invoke("logsumexp", [exponent], exponent.shape[:-1])


def _log_of_column_sum(exponent: Tensor, letters: Letters, argument: Contraction) -> Tensor | None:
    if exponent.order == 2 and argument.order == 1 and letters == (1, 0):
        turned = contract(1, [(exponent, (1, 0))], (0, 1))
        return invoke("logsumexp", [turned], turned.shape[:-1])
    return None


def _exp(tensor: Map) -> Tensor | None:
    """exp(log(x)) is x."""
    return _map_of(tensor.args[0][0], "log") if tensor.function == "exp" else None


def _value_at_number(tensor: Map) -> Tensor | None:
    """Functions of a constant whose value everybody knows."""
    if len(tensor.args) != 1:
        return None
    value = _constant(tensor.args[0][0])
    if value is None:
        return None
    known = KNOWN_VALUES.get((tensor.function, value))
    return None if known is None else number(known, tensor.shape)


KNOWN_VALUES: Final = {
    ("exp", Fraction(0)): Fraction(1),
    ("log", Fraction(1)): Fraction(0),
    ("log1p", Fraction(0)): Fraction(0),
    ("sin", Fraction(0)): Fraction(0),
    ("cos", Fraction(0)): Fraction(1),
    ("tanh", Fraction(0)): Fraction(0),
    ("relu", Fraction(0)): Fraction(0),
    ("sigmoid", Fraction(0)): Fraction(1, 2),
}


def _maximum(tensor: Map) -> Tensor | None:
    """max(0, x) is relu, whichever side the 0 is on."""
    if tensor.function != "max":
        return None
    for (left, _), (right, letters) in (tensor.args, tensor.args[::-1]):
        if _constant(left) == 0 and len(letters) == tensor.order:
            own = apply("relu", [(right, _axes(right))], right.shape)
            return relabel(own, letters, tensor.shape)
    return None


def _sigmoid(tensor: Contraction) -> Tensor | None:
    """1/(1 + exp(-t)), exp(t)/(1 + exp(t)) and exp(-t)/(1 + exp(-t))."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        exponent = _one_plus_exp(factor)
        if exponent is None or power >= 0 or power.denominator != 1:
            continue
        for other, (numerator, along, degree) in enumerate(tensor.factors):
            inner = _map_of(numerator, "exp")
            if inner is exponent and along == letters and degree > 0:
                return _with(tensor, {position: power + 1, other: degree - 1}, exponent, letters)
        turned = scale(-1, exponent)
        return _with(tensor, {position: power + 1}, turned, letters)
    return None


def _with(
    tensor: Contraction, powers: dict[int, Fraction], argument: Tensor, letters: Letters
) -> Tensor:
    """The contraction with changed powers, times the sigmoid of an argument."""
    factors: list[Factor] = [
        (t, ls, powers.get(position, p)) for position, (t, ls, p) in enumerate(tensor.factors)
    ]
    sigmoid = apply("sigmoid", [(argument, _axes(argument))], argument.shape)
    factors.append((sigmoid, letters, Fraction(1)))
    kept = [factor for factor in factors if factor[2] != 0]
    return contract(tensor.coefficient, kept, _axes(tensor), dict(enumerate(tensor.shape)))


def _softmax(tensor: Contraction) -> Tensor | None:
    """exp(z)/sum(exp(z)), the sum over the last axis or over the first of two."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        if power != -1 or not isinstance(factor, Contraction) or factor.coefficient != 1:
            continue
        if len(factor.factors) != 1 or len(factor.summed) != 1 or factor.factors[0][2] != 1:
            continue
        inner, inner_letters, _ = factor.factors[0]
        exponent = _map_of(inner, "exp")
        if exponent is None:
            continue
        for other, (numerator, along, degree) in enumerate(tensor.factors):
            if numerator is not inner or degree != 1:
                continue
            outer = tuple(along[axis] for axis, x in enumerate(inner_letters) if x < factor.order)
            order = [x for x in inner_letters if x < factor.order]
            if tuple(letters[x] for x in order) != outer:
                continue
            axis = next(a for a, x in enumerate(inner_letters) if x >= factor.order)
            named, named_letters = _softmax_along(exponent, axis, along)
            factors = [f for p, f in enumerate(tensor.factors) if p not in (position, other)]
            return contract(
                tensor.coefficient,
                [*factors, (named, named_letters, Fraction(1))],
                _axes(tensor),
                dict(enumerate(tensor.shape)),
            )
    return None


def _softmax_inside(tensor: Contraction) -> Tensor | None:
    """a'exp(z)/sum(exp(z)) is a'softmax(z): the numerator stands inside a scalar factor."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        exponent = None if letters or power != -1 else _exponent_of_sum(factor)
        if exponent is None:
            continue
        for other, (scalar, _, degree) in enumerate(tensor.factors):
            if other == position or degree != 1 or not isinstance(scalar, Contraction):
                continue
            named = _with_softmax(scalar, exponent)
            if named is not None:
                return _exchanged(tensor, {position: [], other: [(named, (), degree)]})
    return None


def _exponent_of_sum(tensor: Tensor) -> Tensor | None:
    """z, if the tensor is sum(exp(z)) of a vector z."""
    if not isinstance(tensor, Contraction) or tensor.coefficient != 1 or len(tensor.factors) != 1:
        return None
    inner, _, power = tensor.factors[0]
    return _map_of(inner, "exp") if power == 1 and inner.order == 1 else None


def _with_softmax(scalar: Contraction, exponent: Tensor) -> Tensor | None:
    """A scalar with softmax(z) in place of a factor exp(z)."""
    for position, (factor, letters, power) in enumerate(scalar.factors):
        if _map_of(factor, "exp") is exponent and power == 1:
            factors = list(scalar.factors)
            named = invoke("softmax", [exponent], exponent.shape)
            factors[position] = (named, letters, power)
            return recognise(contract(scalar.coefficient, factors))
    return None


def _softmax_along(exponent: Tensor, axis: int, along: Letters) -> tuple[Tensor, Letters]:
    if axis == exponent.order - 1:
        return invoke("softmax", [exponent], exponent.shape), along
    turned = contract(1, [(exponent, (1, 0))], (0, 1))
    return invoke("softmax", [turned], turned.shape), along[::-1]


def _of_products(tensor: Call) -> Tensor | None:
    """inv, det and log det of inverses, transposes and powers."""
    if tensor.function not in ("inverse", "det", "logdet"):
        return None
    (argument,) = tensor.args
    inner = as_contraction(argument)
    if tensor.function == "inverse":
        if isinstance(argument, Call) and argument.function == "inverse":
            return argument.args[0]
        if len(inner.factors) == 1:
            factor, letters, power = inner.factors[0]
            if letters == (1, 0) and power == 1:
                own = invoke("inverse", [factor], argument.shape)
                return contract(1 / inner.coefficient, [(own, (1, 0))], (0, 1))
    if tensor.function == "det":
        factors = apart(tensor)
        if factors is not None and factors.size < tensor.size:
            return factors
    if isinstance(argument, Call) and argument.function == "inverse":
        if tensor.function == "logdet":
            return scale(-1, invoke("logdet", argument.args, ()))
        if tensor.function == "det":
            return contract(1, [(invoke("det", argument.args, ()), (), Fraction(-1))])
    return None


def _of_matrix_functions(tensor: Call) -> Tensor | None:
    """expm and pinv of a transpose, pinv of pinv, the derivative of expm along the identity."""
    if tensor.function not in ("expm", "expm_frechet", "pinv"):
        return None
    argument = tensor.args[0]
    if tensor.function == "expm_frechet":
        along = as_contraction(tensor.args[1])
        if [type(factor) for factor, _, _ in along.factors] == [Delta]:
            own = recognise(invoke("expm", [argument], argument.shape))
            return contract(along.coefficient, [(own, (0, 1))], (0, 1))
    if tensor.function == "pinv" and isinstance(argument, Call) and argument.function == "pinv":
        return argument.args[0]
    if tensor.function in ("expm", "pinv"):
        inner = as_contraction(argument)
        if inner.coefficient == 1 and [f[1:] for f in inner.factors] == [((1, 0), Fraction(1))]:
            turned = inner.factors[0][0]
            own = invoke(tensor.function, [turned], tensor.shape[::-1])
            return contract(1, [(own, (1, 0))], (0, 1))
    return None


def apart(tensor: Tensor) -> Tensor | None:
    """inv(A*B) as inv(B)*inv(A), det(A*B) as det(A)*det(B); None where there are no such factors.

    These are longer and no names, so they are no identities of :data:`IDENTITIES`.
    """
    if not isinstance(tensor, Call) or tensor.function not in ("inverse", "det"):
        return None
    product = tensor.args[0]
    if not isinstance(product, Contraction) or not _are_square_factors(product):
        return None
    if tensor.function == "det":
        if product.coefficient != 1:
            return None
        return contract(
            1, [(_recognised_call("det", factor), ()) for factor, _, _ in product.factors]
        )
    turned = {0: 1, 1: 0}
    factors = [
        (
            _recognised_call("inverse", factor),
            (turned.get(letters[1], letters[1]), turned.get(letters[0], letters[0])),
        )
        for factor, letters, _ in product.factors
    ]
    return contract(1 / product.coefficient, factors, (0, 1))


def _recognised_call(function: str, argument: Tensor) -> Tensor:
    shape = argument.shape if function == "inverse" else ()
    return recognise(invoke(function, [argument], shape))


def _are_square_factors(tensor: Contraction) -> bool:
    """Whether a contraction is a product of several square matrices."""
    left = list(tensor.factors)
    letter = 0
    while left:
        here = [factor for factor in left if letter in factor[1]]
        if len(here) != 1:
            return False
        matrix, letters, power = here[0]
        if matrix.shape != tensor.shape or power != 1 or letters[0] == letters[1]:
            return False
        left.remove(here[0])
        letter = letters[1] if letters[0] == letter else letters[0]
    return letter == 1 and len(tensor.factors) > 1


def _signed(tensor: Contraction) -> Tensor | None:
    """Powers of x, abs(x) and sign(x) as one: x*sign(x) is abs(x), x/abs(x) is sign(x)."""
    for factor, letters, power in tensor.factors:
        inner = _map_of(factor, "abs") or _map_of(factor, "sign")
        if inner is None or power.denominator != 1:
            continue
        found = {"sign": Fraction(0), "abs": Fraction(0), "": Fraction(0)}
        places: dict[int, list[Factor]] = {}
        for place, (other, along, degree) in enumerate(tensor.factors):
            kind = _kind_of(other, inner)
            if along == letters and kind is not None and degree.denominator == 1:
                found[kind] += degree
                places[place] = []
        if len(places) < 2 and found["sign"] in (0, 1):
            continue
        first = min(places)
        odd = (found["sign"] + found["abs"]) % 2 == 1
        if odd or found["abs"] or found[""]:
            places[first] = _signed_power(inner, letters, found[""] + found["abs"], odd)
        else:  # 0 at 0, and so not 1: on a diagonal, in a one-hot vector
            places[first] = [(_sign_of(inner), letters, Fraction(2))]
        if set(places[first]) != {tensor.factors[place] for place in places}:
            return _exchanged(tensor, places)
    return None


def _kind_of(tensor: Tensor, inner: Tensor) -> str | None:
    """Which of abs, sign and "" (itself) a factor is of a tensor."""
    if tensor is inner:
        return ""
    return next((name for name in ("abs", "sign") if _map_of(tensor, name) is inner), None)


def _signed_power(inner: Tensor, letters: Letters, power: Fraction, odd: bool) -> list[Factor]:
    """x^n, or sign(x)*x^n as it is written: abs(x)^n for odd n, x*abs(x) for n = 2."""
    if not odd:
        return [(inner, letters, power)] if power else []
    sign = (_sign_of(inner), letters, Fraction(1))
    modulus = apply("abs", [(inner, _axes(inner))], inner.shape)
    if power % 2 == 1:
        return [(modulus, letters, power)]
    if power == 2:
        return [(inner, letters, Fraction(1)), (modulus, letters, Fraction(1))]
    return [sign, (inner, letters, power)] if power else [sign]


def _sign_of(tensor: Tensor) -> Tensor:
    return apply("sign", [(tensor, _axes(tensor))], tensor.shape)


def _half_wave(tensor: Contraction) -> Tensor | None:
    """relu(x)*1[x > 0] and x*1[x > 0] are relu(x)."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        if not isinstance(factor, Map) or factor.function not in INDICATORS or power != 1:
            continue
        for other, (partner, along, degree) in enumerate(tensor.factors):
            if along != letters or degree < 1 or other == position:
                continue
            inner = _map_of(partner, "relu")
            if inner is not None and _above_zero(inner) is factor:
                return _exchanged(tensor, {position: []})
            if inner is None and degree == 1 and _above_zero(partner) is factor:
                relu = apply("relu", [(partner, _axes(partner))], partner.shape)
                return _exchanged(tensor, {position: [], other: [(relu, letters, Fraction(1))]})
    return None


def _above_zero(tensor: Tensor) -> Tensor:
    """1[x > 0] as it is written."""
    condition = apply("gt", [(tensor, _axes(tensor)), (number(0), ())], tensor.shape)
    return recognise(condition)


def _moved_number(tensor: Map) -> Tensor | None:
    """1[c - t > 0] is 1[t < c] and 1[t - c > 0] is 1[t > c] for a number c > 0."""
    if tensor.function not in TURNED:
        return None
    (left, along), (right, _) = tensor.args
    terms = terms_of(left)
    if _constant(right) != 0 or len(terms) < 2:
        return None
    numbers = [term.coefficient for term in terms if not term.factors]
    others = [term for term in terms if term.factors]
    turned = all(term.coefficient < 0 for term in others)
    if len(numbers) != 1 or (numbers[0] > 0) != turned:
        return None
    inner = scale(-1 if turned else 1, add(others, left.shape))
    function = TURNED[tensor.function] if turned else tensor.function
    return apply(function, [(inner, along), (number(abs(numbers[0])), ())], tensor.shape)


TURNED: Final = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}


def _power(tensor: Contraction) -> Tensor | None:
    """power(x, c)*x^k is power(x, c + k), power(x, b)*power(x, c) is power(x, b + c)."""
    for position, (factor, letters, degree) in enumerate(tensor.factors):
        if not isinstance(factor, Map) or factor.function != "power" or degree != 1:
            continue
        (base, own), (exponent, along) = factor.args
        axes = _axes(factor)
        if own != axes:
            continue
        for other, (partner, where, times) in enumerate(tensor.factors):
            if other == position or where != letters:
                continue
            more = _exponent_of(partner, base, times)
            if more is not None:
                total = add([relabel(exponent, along, factor.shape), more], factor.shape)
                put = recognise(apply("power", [(base, own), (total, axes)], factor.shape))
                return _exchanged(tensor, {position: [(put, letters, degree)], other: []})
    return None


def _exponent_of(tensor: Tensor, base: Tensor, times: Fraction) -> Tensor | None:
    """The exponent of a factor that is a power of a base."""
    if tensor is base:
        return number(times, base.shape)
    if isinstance(tensor, Map) and tensor.function == "power" and times == 1:
        (inner, own), (exponent, along) = tensor.args
        if inner is base and own == _axes(tensor):
            return relabel(exponent, along, tensor.shape)
    return None


def _exponential_sigmoid(tensor: Contraction) -> Tensor | None:
    """exp(t)*sigmoid(-t) is sigmoid(t)."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        inner = _map_of(factor, "sigmoid")
        if inner is None or power < 1:
            continue
        for other, (partner, along, degree) in enumerate(tensor.factors):
            exponent = _map_of(partner, "exp")
            if exponent is None or along != letters or degree < 1:
                continue
            if scale(-1, exponent) is inner:
                own = apply("sigmoid", [(exponent, _axes(exponent))], exponent.shape)
                put: list[Factor] = [(own, letters, Fraction(1))]
                rest: list[Factor] = [(partner, along, degree - 1)] if degree != 1 else []
                left: list[Factor] = [(factor, letters, power - 1)] if power != 1 else []
                return _exchanged(tensor, {position: put + left, other: rest})
    return None


def _exchanged(tensor: Contraction, places: dict[int, list[Factor]]) -> Tensor:
    """The contraction with other factors in some places."""
    factors: list[Factor] = []
    for position, factor in enumerate(tensor.factors):
        factors.extend(places.get(position, [factor]))
    lost = [(ones(t.shape), ls) for p, (t, ls, _) in enumerate(tensor.factors) if p in places]
    every = [*factors, *((t, ls, Fraction(1)) for t, ls in lost)]
    return contract(tensor.coefficient, every, _axes(tensor), dict(enumerate(tensor.shape)))


def _choice(tensor: Map) -> Tensor | None:
    """where(c, 1, 0) is 1[c], where(c, 0, 1) is 1[not c], where(c, x, x) is x."""
    if tensor.function != "where":
        return None
    (condition, along), (yes, on_yes), (no, on_no) = tensor.args
    if yes is no and on_yes == on_no:
        return relabel(yes, on_yes, tensor.shape)
    if not isinstance(condition, Map) or condition.function not in INDICATORS:
        return None
    if _constant(yes) == 1 and _constant(no) == 0:
        return relabel(condition, along, tensor.shape)
    if _constant(yes) == 0 and _constant(no) == 1:
        opposite = apply(OPPOSITES[condition.function], condition.args, condition.shape)
        return relabel(opposite, along, tensor.shape)
    return None


def _absolute_square(tensor: Contraction) -> Tensor | None:
    """abs(x)^2 is x^2, sign(x)*abs(x) is x."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        inner = _map_of(factor, "abs")
        if inner is None or power.denominator != 1 or power.numerator % 2:
            continue
        factors = [f for p, f in enumerate(tensor.factors) if p != position]
        return contract(
            tensor.coefficient,
            [*factors, (inner, letters, power)],
            _axes(tensor),
            dict(enumerate(tensor.shape)),
        )
    return None


def _indicator_power(tensor: Contraction) -> Tensor | None:
    """An indicator is its own square."""
    changed = False
    factors: list[Factor] = []
    for factor, letters, power in tensor.factors:
        if isinstance(factor, Map) and factor.function in INDICATORS and power > 1:
            power, changed = Fraction(1), True
        factors.append((factor, letters, power))
    if not changed:
        return None
    return contract(tensor.coefficient, factors, _axes(tensor), dict(enumerate(tensor.shape)))


def _picked(tensor: Contraction) -> Tensor | None:
    """Blocks of a sum of blocks: what is selected is selected from each, and most are 0."""
    for position, (factor, letters, power) in enumerate(tensor.factors):
        if not isinstance(factor, Sum) or power != 1 or len(set(letters)) < len(letters):
            continue
        for axis, letter in enumerate(letters):
            if letter < tensor.order or not _placed(factor, axis):
                continue
            partners = [
                (other, ls)
                for p, (other, ls, _) in enumerate(tensor.factors)
                if p != position and letter in ls
            ]
            if len(partners) == 1 and _selects(*partners[0], letter):
                return _written_out(tensor, position)
    return None


def _placed(tensor: Sum, axis: int) -> bool:
    """Whether every term of a sum lies somewhere along an axis, and is 0 elsewhere."""
    return all(
        any(_is_selection(factor) and letters[-1] == axis for factor, letters, _ in term.factors)
        for term in tensor.terms
    )


def _is_selection(tensor: Tensor) -> bool:
    return isinstance(tensor, Call) and tensor.function == "select"


def _selects(tensor: Tensor, letters: Letters, letter: int) -> bool:
    if isinstance(tensor, Sum):
        return letters.count(letter) == 1 and _placed(tensor, letters.index(letter))
    return _is_selection(tensor) and letters[-1] == letter


def _written_out(tensor: Contraction, position: int) -> Tensor:
    """The contraction with a sum among its factors multiplied out."""
    inner, letters, _ = tensor.factors[position]
    assert isinstance(inner, Sum)
    others = [factor for p, factor in enumerate(tensor.factors) if p != position]
    axes, dims = _axes(tensor), dict(enumerate(tensor.shape))
    terms = [
        recognise(contract(tensor.coefficient, [*others, (term, letters)], axes, dims))
        for term in inner.terms
    ]
    return add(terms, tensor.shape)


INDICATORS: Final = frozenset({"lt", "le", "gt", "ge"})
OPPOSITES: Final = {"gt": "le", "le": "gt", "ge": "lt", "lt": "ge"}

IDENTITIES: Final[dict[type, tuple[tuple[str, Callable[..., Tensor | None]], ...]]] = {
    Map: (
        ("log(1 + exp(t)) = softplus(t), log(sum(exp(z))) = logsumexp(z), log(exp(t)) = t", _log),
        ("exp(log(x)) = x", _exp),
        ("max(0, x) = relu(x)", _maximum),
        ("where(c, 1, 0) = 1[c]", _choice),
        ("1[c - t > 0] = 1[t < c]", _moved_number),
        ("exp(0) = 1 and the like", _value_at_number),
    ),
    Contraction: (
        ("1/(1 + exp(-t)) = sigmoid(t)", _sigmoid),
        ("exp(z)/sum(exp(z)) = softmax(z)", _softmax),
        ("a'*exp(z)/sum(exp(z)) = a'*softmax(z)", _softmax_inside),
        ("abs(x)^2 = x^2", _absolute_square),
        ("1[c]^2 = 1[c]", _indicator_power),
        ("sign(x)*abs(x) = x", _signed),
        ("x*1[x > 0] = relu(x)", _half_wave),
        ("exp(t)*sigmoid(-t) = sigmoid(t)", _exponential_sigmoid),
        ("x^c*x = x^(c + 1)", _power),
        ("hcat(A, B)*vcat(C, D) = A*C + B*D, hcat(A, B)[:, :n] = A", _picked),
    ),
    Call: (
        ("inv(inv(X)) = X, det(inv(X)) = 1/det(X), det(X^k) = det(X)^k", _of_products),
        ("expm(X') = expm(X)', pinv(X') = pinv(X)', pinv(pinv(X)) = X", _of_matrix_functions),
    ),
}
"""The identities, by the kind of node at whose top they are found."""
