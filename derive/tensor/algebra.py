"""Building tensors in canonical form.

What holds for every node that these functions return:

* a contraction has no contraction among its factors that could be written out in place, no two
  equal factors on the same letters (powers are added), no delta that a letter could be renamed
  for, and no summed letter that nothing carries (that is a size);
* what has no letter in common with the result is a scalar factor of its own, so that equal scalars
  meet and their powers are added;
* letters are numbered and factors ordered the same way whatever order they came in;
* a sum has no sum among its terms, no two terms with equal factors, and no common coefficient;
* an axis along which a value is merely repeated belongs to the contraction around it.

No fact is used here: see :mod:`derive.tensor.facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd
from weakref import WeakKeyDictionary

import sympy

from derive.shapes import Dim, Shape
from derive.tensor.incidence import is_incidence, shortened
from derive.tensor.letters import canonical, connected
from derive.tensor.nodes import (
    Call,
    Constant,
    Contraction,
    Delta,
    Factor,
    Letters,
    Map,
    Sum,
    Tensor,
    Variable,
)

__all__ = [
    "ONE",
    "SYMMETRIC",
    "add",
    "apply",
    "as_contraction",
    "contract",
    "invoke",
    "multiply",
    "negate",
    "number",
    "ones",
    "relabel",
    "scale",
    "size_of",
    "squeeze",
    "terms_of",
    "transpose",
    "zero",
]

ONE = Fraction(1)
COMMUTATIVE = frozenset({"max", "min"})
SYMMETRIC = frozenset({"symmetric", "positive_definite", "diagonal"})
"""Facts of a matrix that is its own transpose."""


def number(value: Fraction | int, shape: Shape = ()) -> Contraction:
    """The array of this shape all of whose entries are ``value``."""
    return Contraction(Fraction(value), (), shape)


def zero(shape: Shape = ()) -> Contraction:
    """The array of zeros."""
    return number(0, shape)


def ones(shape: Shape) -> Contraction:
    """The array of ones."""
    return number(1, shape)


def size_of(dim: Dim) -> Tensor:
    """A dimension as a number."""
    return number(int(dim)) if dim.is_Integer else Constant(dim)


def as_contraction(tensor: Tensor) -> Contraction:
    """The tensor as a contraction; a lone factor if it is something else."""
    if isinstance(tensor, Contraction):
        return tensor
    return Contraction(ONE, ((tensor, tuple(range(tensor.order)), ONE),), tensor.shape)


def _unwrap(node: Contraction) -> Tensor:
    if node.coefficient == 1 and len(node.factors) == 1:
        tensor, letters, power = node.factors[0]
        if power == 1 and letters == tuple(range(node.order)) and node.order == tensor.order:
            return tensor
    return node


def contract(
    coefficient: Fraction | int,
    factors: Iterable[tuple[Tensor, Letters] | Factor],
    free: Letters = (),
    dims: Mapping[int, Dim] | None = None,
) -> Tensor:
    """The contraction of factors over all letters that are not free.

    Args:
        coefficient: A rational number.
        factors: Tensors with a letter for each axis, and optionally a power.
        free: Letters of the result's axes, in order; no letter twice.
        dims: Sizes of the free letters that no factor carries.

    Returns:
        The tensor in canonical form; its axes have the sizes of the free letters.
    """
    return _Product(Fraction(coefficient), factors, free, dims or {}).build()


class _Product:
    """A contraction on its way to canonical form."""

    def __init__(
        self,
        coefficient: Fraction,
        factors: Iterable[tuple[Tensor, Letters] | Factor],
        free: Letters,
        dims: Mapping[int, Dim],
    ) -> None:
        self.coefficient = coefficient
        self.free = free
        self.dims: dict[int, Dim] = dict(dims)
        self.names: dict[int, int] = {}
        self.powers: dict[tuple[Tensor, Letters], Fraction] = {}
        self.mentioned: dict[int, None] = {}
        self.incidence = False
        items = [(f[0], f[1], f[2] if len(f) == 3 else ONE) for f in factors]
        self.next = 1 + max((max(ls, default=0) for _, ls, _ in items), default=0)
        self.next = max(self.next, 1 + max(free, default=0))
        for tensor, letters, power in items:
            self.insert(tensor, letters, power)

    def fresh(self) -> int:
        self.next += 1
        return self.next - 1

    def insert(self, tensor: Tensor, letters: Letters, power: Fraction) -> None:
        """Multiply by a factor, written out where that is possible."""
        for letter, dim in zip(letters, tensor.shape, strict=True):
            self.dims[letter] = dim
            self.mentioned[letter] = None
        if isinstance(tensor, Sum | Map) and len(set(letters)) < len(letters):
            tensor, letters = _diagonal_of(tensor, letters)
        if isinstance(tensor, Sum) and tensor.order == 2:
            turned = _turned(tensor)
            if turned is not tensor:
                self.insert(turned, letters[::-1], power)
                return
        if isinstance(tensor, Contraction):
            tensor, kept = squeeze(tensor)
            letters = tuple(letters[axis] for axis in kept)
        if isinstance(tensor, Contraction):
            self._insert_contraction(tensor, letters, power)
        elif isinstance(tensor, Delta):
            self.powers[tensor, tuple(sorted(letters))] = ONE
        elif is_incidence(tensor):
            self.powers[tensor, letters] = ONE
            self.incidence = True
        else:
            key = (tensor, letters)
            self.powers[key] = self.powers.get(key, Fraction(0)) + power

    def _insert_contraction(self, tensor: Contraction, letters: Letters, power: Fraction) -> None:
        whole = power.denominator == 1
        if power == 1 or (whole and not tensor.summed):
            if tensor.coefficient == 0 and power < 0:
                raise ZeroDivisionError
            self.coefficient *= tensor.coefficient ** int(power)
            names = dict(enumerate(letters))
            for inner, inner_letters, inner_power in tensor.factors:
                renamed = tuple(
                    names[x] if x in names else names.setdefault(x, self.fresh())
                    for x in inner_letters
                )
                self.insert(inner, renamed, inner_power * power)
            return
        factor = _root(tensor.coefficient, power)
        if factor is not None and tensor.coefficient not in (0, 1):
            self.coefficient *= factor
            tensor = Contraction(ONE, tensor.factors, tensor.shape)
            bare = _unwrap(tensor)
            if bare is not tensor or not tensor.factors:
                self.insert(bare, letters, power)
                return
        if not tensor.factors and tensor.coefficient == 1:
            return
        if len(tensor.factors) == 1 and not tensor.summed:
            inner, inner_letters, inner_power = tensor.factors[0]
            if tensor.coefficient == 1 and (inner_power.numerator % 2 or whole):
                renamed = tuple(letters[x] for x in inner_letters)
                self.insert(inner, renamed, inner_power * power)
                return
        key = (tensor, letters)
        self.powers[key] = self.powers.get(key, Fraction(0)) + power

    def build(self) -> Tensor:
        """The canonical node."""
        shape = tuple(self.dims[letter] for letter in self.free)
        if self.coefficient == 0:
            return zero(shape)
        self._settle()
        if self.coefficient == 0:
            return zero(shape)
        groups = self._components()
        scalars = groups.pop(None, [])
        body = [factor for group in groups.values() for factor in group]
        if scalars:
            pieces = self._scalars(scalars)
            if not body and len(pieces) == 1 and not shape and pieces[0][1] == 1:
                only = as_contraction(pieces[0][0])
                return _unwrap(Contraction(self.coefficient * only.coefficient, only.factors, ()))
            body.extend((tensor, (), power) for tensor, power in pieces)
        return _unwrap(Contraction(self.coefficient, canonical(body, self.free), shape))

    def _settle(self) -> None:
        """Rename letters for deltas, drop powers of zero, turn uncarried letters into sizes."""
        while self._remove_delta() or (self.incidence and self._shorten()):
            pass
        self._along_deltas()
        self.powers = {key: power for key, power in self.powers.items() if power != 0}
        carried = {letter for (_, letters) in self.powers for letter in letters}
        for letter in self.mentioned:
            if letter not in carried and letter not in self.free:
                dim = self.dims[letter]
                if dim.is_Integer:
                    self.coefficient *= int(dim)
                else:
                    key: tuple[Tensor, Letters] = (Constant(dim), ())
                    self.powers[key] = self.powers.get(key, Fraction(0)) + 1
        self.powers = {key: power for key, power in self.powers.items() if power != 0}

    def _remove_delta(self) -> bool:
        for tensor, letters in self.powers:
            if not isinstance(tensor, Delta):
                continue
            left, right = letters
            if left == right:
                del self.powers[tensor, letters]
                return True
            if right not in self.free:
                left, right = right, left
            if left in self.free:
                continue
            del self.powers[tensor, letters]
            self._rename(left, right)
            return True
        return False

    def _shorten(self) -> bool:
        """Do one product of arrays of zeros and ones."""
        found = shortened(self.powers, self.free)
        if found is None:
            return False
        if found.come is None:
            self.coefficient = Fraction(0)
            return False
        for key in found.gone:
            del self.powers[key]
        for letter in found.summed:
            del self.mentioned[letter]
        for tensor, letters in found.come:
            self.insert(tensor, letters, ONE)
        return True

    def _along_deltas(self) -> None:
        """Where a delta ties two axes of the result, all else is read along the first."""
        for left, right in [ls for tensor, ls in self.powers if isinstance(tensor, Delta)]:
            key = (Delta(self.dims[left]), (left, right))
            if key not in self.powers:
                continue
            first, second = sorted((left, right), key=self.free.index)
            del self.powers[key]
            self._rename(second, first)
            self.powers[key] = ONE
            self.mentioned[second] = None

    def _rename(self, old: int, new: int) -> None:
        renamed: dict[tuple[Tensor, Letters], Fraction] = {}
        for (tensor, letters), power in self.powers.items():
            key = (tensor, tuple(new if x == old else x for x in letters))
            total = renamed.get(key, Fraction(0)) + power
            if isinstance(tensor, Delta):
                key, total = (tensor, tuple(sorted(key[1]))), ONE
            elif is_incidence(tensor):
                total = ONE
            renamed[key] = total
        self.powers = renamed
        self.mentioned.pop(old, None)
        self.mentioned[new] = None

    def _components(self) -> dict[int | None, list[Factor]]:
        """Factors by connected component; those without a free letter under None."""
        leaders = connected(letters for _, letters in self.powers)
        with_free = {leaders[letter] for letter in self.free if letter in leaders}
        groups: dict[int | None, list[Factor]] = {}
        for (tensor, letters), power in self.powers.items():
            root = leaders[letters[0]] if letters else None
            group = root if root in with_free else None
            groups.setdefault(group, []).append((tensor, letters, power))
        return groups

    def _scalars(self, factors: Sequence[Factor]) -> list[tuple[Tensor, Fraction]]:
        """Scalar factors, one for each connected component, with their powers."""
        leaders = connected(letters for _, letters, _ in factors)
        pieces: dict[Tensor, Fraction] = {}
        groups: dict[int, list[Factor]] = {}
        for tensor, letters, power in factors:
            if letters:
                groups.setdefault(leaders[letters[0]], []).append((tensor, letters, power))
            else:
                pieces[tensor] = pieces.get(tensor, Fraction(0)) + power
        for group in groups.values():
            piece = Contraction(ONE, canonical(group, ()), ())
            pieces[piece] = pieces.get(piece, Fraction(0)) + 1
        return [(tensor, power) for tensor, power in pieces.items() if power != 0]


_transposes: WeakKeyDictionary[Tensor, Tensor] = WeakKeyDictionary()


def _turned(tensor: Sum) -> Tensor:
    """The sum or its transpose, term by term, whichever comes first; it stands for both."""
    known = _transposes.get(tensor)
    if known is None:
        turned = transpose(tensor)
        first = isinstance(turned, Sum) and _direction(turned) < _direction(tensor)
        known = _transposes[tensor] = turned if first else tensor
    return known


def _direction(tensor: Tensor) -> list[object]:
    """In which direction the matrices of a sum are read; symmetric ones are read in any."""
    found: list[object] = []
    for term in terms_of(tensor):
        for factor, letters, power in term.factors:
            either = isinstance(factor, Variable) and factor.facts & SYMMETRIC
            read = tuple(sorted(letters)) if either else letters
            found.append((factor.key, read, power, term.coefficient))
    return sorted(found, key=repr)


def _diagonal_of(tensor: Sum | Map, letters: Letters) -> tuple[Tensor, Letters]:
    """A sum or map in which letters are repeated, as one over the letters once."""
    axes = tuple(dict.fromkeys(letters))
    shape = tuple(tensor.shape[letters.index(letter)] for letter in axes)
    dims = dict(zip(axes, shape, strict=True))
    if isinstance(tensor, Map):
        args = []
        for arg, along in tensor.args:
            own = tuple(letters[x] for x in along)
            once = tuple(dict.fromkeys(own))
            part = contract(1, [(arg, own)], once)
            args.append((part, tuple(axes.index(x) for x in once)))
        return apply(tensor.function, args, shape), axes
    terms = [contract(1, [(term, letters)], axes, dims) for term in tensor.terms]
    return add(terms, shape), axes


def _root(value: Fraction, power: Fraction) -> Fraction | None:
    """``value ** power`` where that is a rational number, None otherwise."""
    if power.denominator == 1:
        return value ** int(power) if value or power > 0 else None
    if value < 0:
        return None
    exact = sympy.Rational(value.numerator, value.denominator) ** sympy.Rational(
        power.numerator, power.denominator
    )
    return Fraction(int(exact.p), int(exact.q)) if exact.is_Rational else None


def squeeze(tensor: Tensor) -> tuple[Tensor, Letters]:
    """The tensor without the axes along which it is merely repeated, and the axes that remain."""
    axes = tuple(range(tensor.order))
    if not isinstance(tensor, Contraction):
        return tensor, axes
    kept = tuple(axis for axis in axes if axis in tensor.letters)
    if kept == axes:
        return tensor, axes
    return contract(tensor.coefficient, tensor.factors, kept), kept


def relabel(tensor: Tensor, letters: Letters, shape: Shape) -> Tensor:
    """The tensor along the axes ``letters`` of ``shape``, repeated along the others."""
    if letters == tuple(range(len(shape))):
        return tensor
    return contract(1, [(tensor, letters)], tuple(range(len(shape))), dict(enumerate(shape)))


def transpose(tensor: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or scalar is its own."""
    if isinstance(tensor, Sum) and tensor.order == 2:
        return add((transpose(term) for term in tensor.terms), tensor.shape[::-1])
    return contract(1, [(tensor, (1, 0))], (0, 1)) if tensor.order == 2 else tensor


def scale(coefficient: Fraction | int, tensor: Tensor) -> Tensor:
    """A rational multiple."""
    if coefficient == 1:
        return tensor
    axes = tuple(range(tensor.order))
    if coefficient == 0:
        return zero(tensor.shape)
    return contract(coefficient, [(tensor, axes)], axes, dict(enumerate(tensor.shape)))


def negate(tensor: Tensor) -> Tensor:
    """Minus the tensor."""
    return scale(-1, tensor)


def multiply(*tensors: Tensor) -> Tensor:
    """The entrywise product of tensors of the same shape, scalars among them."""
    shape = max((tensor.shape for tensor in tensors), key=len)
    axes = tuple(range(len(shape)))
    factors = [(tensor, axes[: tensor.order]) for tensor in tensors]
    return contract(1, factors, axes, dict(enumerate(shape)))


def terms_of(tensor: Tensor) -> tuple[Contraction, ...]:
    """The terms of a sum with its coefficient multiplied in; one term for anything else."""
    if isinstance(tensor, Sum):
        return tensor.terms
    if not isinstance(tensor, Contraction) or len(tensor.factors) != 1 or tensor.summed:
        return (as_contraction(tensor),)
    inner, letters, power = tensor.factors[0]
    if isinstance(inner, Sum) and power == 1 and len(set(letters)) == len(letters):
        axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
        scaled = (contract(tensor.coefficient, [(t, letters)], axes, dims) for t in inner.terms)
        return tuple(map(as_contraction, scaled))
    return (as_contraction(tensor),)


def add(tensors: Iterable[Tensor], shape: Shape) -> Tensor:
    """The sum of tensors of this shape, in canonical form."""
    totals: dict[tuple[Factor, ...], Fraction] = {}
    for tensor in tensors:
        for term in terms_of(tensor):
            totals[term.factors] = totals.get(term.factors, Fraction(0)) + term.coefficient
    found = [(factors, c) for factors, c in totals.items() if c]
    if not found:
        return zero(shape)
    if len(found) == 1:
        return _unwrap(Contraction(found[0][1], found[0][0], shape))
    carried = {x for factors, _ in found for _, ls, _ in factors for x in ls}
    kept = tuple(axis for axis in range(len(shape)) if axis in carried)
    if len(kept) < len(shape):
        smaller = tuple(shape[axis] for axis in kept)
        terms = [contract(c, f, kept, dict(enumerate(shape))) for f, c in found]
        return relabel(add(terms, smaller), kept, shape)
    terms_ = sorted((Contraction(c, f, shape) for f, c in found), key=_term_order)
    below = {t.coefficient.denominator for t in terms_}
    divisor = Fraction(
        gcd(*(t.coefficient.numerator for t in terms_)), below.pop() if len(below) == 1 else 1
    )
    if terms_[0].coefficient < 0:
        divisor = -divisor
    node = Sum(tuple(Contraction(t.coefficient / divisor, t.factors, shape) for t in terms_))
    if divisor == 1:
        return node
    return Contraction(divisor, ((node, tuple(range(len(shape))), ONE),), shape)


def _term_order(term: Contraction) -> tuple[object, ...]:
    """Numbers first, then terms along all axes, products before single symbols, then by name."""
    arrays = [factor for factor in term.factors if factor[1]]
    axes = sum(axis in term.letters for axis in range(term.order))
    names = [(tensor.key, letters, power) for tensor, letters, power in term.factors]
    return bool(term.factors), -axes, -len(arrays), names


def apply(function: str, args: Sequence[tuple[Tensor, Letters]], shape: Shape) -> Tensor:
    """A scalar function entry by entry; ``args`` lie along axes of ``shape``."""
    lean: list[tuple[Tensor, Letters]] = []
    for tensor, letters in args:
        inner, kept = squeeze(tensor)
        lean.append((inner, tuple(letters[axis] for axis in kept)))
    carried = sorted({letter for _, letters in lean for letter in letters})
    first = next((letters for _, letters in lean if len(letters) == 2), ())
    if len(lean) > 1 and len(shape) == 2 and first == (1, 0):
        turned = [(tensor, tuple(1 - x for x in letters)) for tensor, letters in lean]
        return transpose(apply(function, turned, shape[::-1]))
    if function in COMMUTATIVE:
        lean.sort(key=lambda arg: (arg[0].key, arg[1]))
    if len(lean) == 1 and lean[0][1] != tuple(range(len(shape))):
        inner, letters = lean[0]
        own = Map(function, ((inner, tuple(range(inner.order))),), inner.shape)
        return relabel(own, letters, shape)
    if len(carried) < len(shape):
        names = {letter: axis for axis, letter in enumerate(carried)}
        smaller = tuple(shape[letter] for letter in carried)
        inner_args = tuple((t, tuple(names[x] for x in ls)) for t, ls in lean)
        return relabel(Map(function, inner_args, smaller), tuple(carried), shape)
    return Map(function, tuple(lean), shape)


def invoke(function: str, args: Sequence[Tensor], shape: Shape) -> Tensor:
    """A named function of whole arrays."""
    return Call(function, tuple(args), shape)
