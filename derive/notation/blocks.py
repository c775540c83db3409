"""Blocks, entries, ``vec`` and Kronecker products: contractions with arrays of zeros and ones.

The arrays are those of :mod:`derive.tensor.incidence`. What they do to the other factors of a
contraction is written as ``A[1:3, :]``, ``hcat(A, B)``, ``vec(A)`` or ``kron(A, B)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from fractions import Fraction
from typing import TypeAlias

from sympy import Symbol, expand

from derive.notation.expression import Expr, block, call, number, transposed
from derive.shapes import ONE, Dim
from derive.tensor.algebra import add, contract
from derive.tensor.incidence import offset_of, pair, select
from derive.tensor.letters import connected
from derive.tensor.nodes import Call, Constant, Contraction, Delta, Factor, Letters, Sum, Tensor
from derive.tensor.parts import children
from derive.tensor.printing import LETTERS
from derive.tensor.substitution import variables_of

__all__ = [
    "NoMatrixForm",
    "fold_pairs",
    "has_pairs",
    "joined",
    "names_in",
    "one_by_one",
    "select_blocks",
    "terms_in_pairs",
]

Item: TypeAlias = tuple[Expr, Letters, Fraction]
Raised: TypeAlias = Callable[[Tensor], Expr]


class NoMatrixForm(Exception):
    """No row of the table of patterns fits."""


def _is(tensor: Tensor, function: str) -> bool:
    return isinstance(tensor, Call) and tensor.function == function


# Selections.


def select_blocks(raised: Raised, factors: Sequence[Factor | Folded], order: int) -> list[Item]:
    """The factors in matrix notation, with what is selected from them taken out.

    A selection whose column is summed, on one other factor only, is a block of that factor; all
    others are rows of the identity.
    """
    items: list[Item] = []
    selections: list[tuple[Call, Letters]] = []
    for factor in factors:
        if isinstance(factor, Folded):
            items.append((factor.written(raised), factor.letters, Fraction(1)))
        elif isinstance(factor[0], Call) and factor[0].function == "select":
            selections.append((factor[0], factor[1]))
        else:
            items.append((raised(factor[0]), factor[1], factor[2]))
    for tensor, letters in selections:
        column = letters[-1]
        carriers = [place for place, item in enumerate(items) if column in item[1]]
        others = sum(column in ls for _, ls in selections)
        if column < order or others > 1 or len(carriers) != 1:
            items.append((raised(tensor), letters, Fraction(1)))
            continue
        expr, along, power = items[carriers[0]]
        if along.count(column) > 1:
            items.append((raised(tensor), letters, Fraction(1)))
            continue
        axis = along.index(column)
        taken = _range(tensor)
        part = block(expr, taken, None) if axis == 0 else block(expr, None, taken)
        if tensor.order == 1 and axis == 0 and len(along) == 2:
            part = transposed(part)
        left = along[:axis] + letters[:-1] + along[axis + 1 :]
        items[carriers[0]] = (part, left, power)
    return items


def _range(tensor: Call) -> Dim | tuple[Dim, Dim]:
    """What a selection takes: an index, or where it starts and stops."""
    start = offset_of(tensor)
    return start if tensor.order == 1 else (start, expand(start + tensor.shape[0]))


def joined(raised: Raised, tensor: Sum | Contraction) -> Expr | None:
    """Blocks, each in its place, as ``vcat`` or ``hcat``; zeros stand between them."""
    terms = tensor.terms if isinstance(tensor, Sum) else (tensor,)
    extent = (*tensor.shape, ONE)[:2]
    for axis in range(tensor.order):
        placed = [_placed(term, axis) for term in terms]
        found = [place for place in placed if place is not None]
        if len(found) == len(terms):
            expr = _chained(raised, tensor, axis, found)
            if expr is not None:
                turned = transposed(expr)
                shorter = turned.transposes + 1 < expr.transposes and turned.op != "transpose"
                return Expr("transpose", (turned,), *extent) if shorter else expr
    return None


Placed: TypeAlias = tuple[Call, Tensor]


def _placed(term: Contraction, axis: int) -> Placed | None:
    """The selection that puts a term in its place along an axis, and the block that is put."""
    for position, (tensor, letters, _) in enumerate(term.factors):
        if not isinstance(tensor, Call) or tensor.function != "select" or letters[-1] != axis:
            continue
        others = [factor for p, factor in enumerate(term.factors) if p != position]
        if any(axis in ls for _, ls, _ in others):
            return None
        free = tuple(range(axis)) + letters[:-1] + tuple(range(axis + 1, term.order))
        if any(letter < term.order for letter in letters[:-1]):
            return None
        dims = {x: d for x, d in term.dims.items() if x in free}
        return tensor, contract(term.coefficient, others, free, dims)
    return None


def _chained(
    raised: Raised, tensor: Sum | Contraction, axis: int, found: Sequence[Placed]
) -> Expr | None:
    """Blocks one behind the other; None where their order depends on the sizes."""
    groups: dict[Call, list[Tensor]] = {}
    for selection, part in found:
        groups.setdefault(selection, []).append(part)
    if len(groups) == 1 and next(iter(groups)).order == 1:
        return None
    parts: list[Expr] = []
    at: Dim = ONE - ONE
    end: Dim = tensor.shape[axis]
    extent = (*tensor.shape, ONE)[:2]
    while groups or at != end:
        hit = next((s for s in groups if offset_of(s) == at), None)
        if hit is None:
            following = [offset_of(s) for s in groups] or [end]
            gap = next((x for x in following if all(_is_before(x, y) for y in following)), None)
            if gap is None or not expand(gap - at).is_positive:
                return None
            rows, cols = (gap - at, extent[1]) if axis == 0 else (extent[0], gap - at)
            parts.append(number(0, expand(rows), expand(cols)))
            at = gap
            continue
        parts.append(_as_block(raised, add(groups.pop(hit), _shape(hit, tensor, axis)), hit, axis))
        at = expand(at + (hit.shape[0] if hit.order == 2 else ONE))
    return call("vcat" if axis == 0 else "hcat", parts, *extent)


def _is_before(left: Dim, right: Dim) -> bool:
    return bool(expand(right - left).is_nonnegative)


def _shape(selection: Call, tensor: Sum | Contraction, axis: int) -> tuple[Dim, ...]:
    middle = selection.shape[:1] if selection.order == 2 else ()
    return (*tensor.shape[:axis], *middle, *tensor.shape[axis + 1 :])


def _as_block(raised: Raised, part: Tensor, selection: Call, axis: int) -> Expr:
    expr = raised(part)
    return transposed(expr) if part.order == 1 and selection.order == 1 and axis == 0 else expr


# Pairs of letters.


class Folded:
    """A part of a contraction that has a name: ``vec``, ``unvec`` or ``kron``.

    Attributes:
        function: The name.
        parts: Its arguments.
        letters: The letters of its axes.
        shape: Their sizes.
        sizes: Sizes among its arguments.
    """

    def __init__(
        self,
        function: str,
        parts: Sequence[Tensor],
        letters: Letters,
        shape: Sequence[Dim],
        sizes: Sequence[Dim] = (),
    ) -> None:
        self.function, self.parts, self.letters = function, tuple(parts), letters
        self.shape = (*shape, ONE)[:2]
        self.sizes = tuple(sizes)

    def written(self, raised: Raised) -> Expr:
        """It in matrix notation."""
        args = [raised(part) for part in self.parts]
        sizes = self.shape if self.function == "unvec" else self.sizes
        args += [Expr("constant", (), ONE, ONE, dim) for dim in sizes]
        return call(self.function, args, *self.shape)


def fold_pairs(tensor: Contraction) -> list[Factor | Folded]:
    """The factors, with those that a pair of letters ties together folded into one.

    Raises:
        NoMatrixForm: A pair that is none of these.
    """
    if not has_pairs(tensor):
        return list(tensor.factors)
    try:
        return _Pairs(tensor).folded()
    except NoMatrixForm:
        return _Pairs(tensor, entrywise=True).folded()


Reach: TypeAlias = tuple[list[Factor], int | None]
"""Factors on a letter, and the letter at their other end, if there is one."""


def has_pairs(tensor: Contraction) -> bool:
    """Whether letters of it are tied in pairs."""
    return any(_is(factor, "pair") for factor, _, _ in tensor.factors)


def one_by_one(
    tensor: Contraction, beside: Set[str] = frozenset()
) -> Iterator[tuple[int, Dim, Tensor]]:
    """For each summed letter: the letter, its name, and the term for one value of it.

    Letters outside pairs come first; of those in pairs, the ones that tie several factors.

    Args:
        tensor: The term.
        beside: Names that the letter may not have, more than those in the term.
    """
    in_pairs = {x for f, letters, _ in tensor.factors if _is(f, "pair") for x in letters}
    taken = names_in(tensor) | beside
    taken |= {str(symbol) for dim in tensor.dims.values() for symbol in dim.free_symbols}
    name = next((letter for letter in LETTERS if letter not in taken), None)
    if name is None:
        return
    index = Symbol(name, integer=True, nonnegative=True)
    wholes = {letters[0] for f, letters, _ in tensor.factors if _is(f, "pair")}
    for letter in sorted(tensor.summed - wholes, key=lambda x: (x in in_pairs, x)):
        unit = select(index, None, tensor.dims[letter])
        fresh = 1 + max(tensor.dims)
        factors: list[Factor] = []
        for factor, letters, power in tensor.factors:
            if letter not in letters:
                factors.append((factor, letters, power))
                continue
            own = tuple(fresh if x == letter else x for x in letters)
            factors += [(factor, own, power), (unit, (fresh,), Fraction(1))]
            fresh += 1
        axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
        yield letter, index, contract(tensor.coefficient, factors, axes, dims)


def names_in(tensor: Tensor) -> set[str]:
    """The names of variables and sizes in a tensor; a size may be a number in it."""
    seen: set[Tensor] = set()
    stack = [tensor]
    while stack:
        part = stack.pop()
        if part not in seen:
            seen.add(part)
            stack.extend(children(part))
    values = [part.value for part in seen if isinstance(part, Constant)]
    dims = [*values, *(dim for part in seen for dim in part.shape)]
    sizes = {str(symbol) for dim in dims for symbol in dim.free_symbols}
    return sizes | {variable.name for variable in variables_of(tensor)}


def terms_in_pairs(tensor: Contraction) -> Tensor:
    """Pairs on a sum of more than two axes, term by term: each term has a form of its own."""
    if not has_pairs(tensor):
        return tensor
    for position, (inner, letters, power) in enumerate(tensor.factors):
        if isinstance(inner, Sum) and power == 1 and inner.order > 2:
            others = [factor for p, factor in enumerate(tensor.factors) if p != position]
            axes, dims = tuple(range(tensor.order)), dict(enumerate(tensor.shape))
            terms = [
                contract(tensor.coefficient, [*others, (term, letters)], axes, dims)
                for term in inner.terms
            ]
            return add(terms, tensor.shape)
    return tensor


class _Pairs:
    """The factors of a contraction with pairs.

    With ``entrywise``, what lies along both letters of a pair is first taken as its vec on the
    letter of the whole, which it multiplies entry by entry: ``diag(vec(P)) (1 1ᵀ ⊗ I)``.
    """

    def __init__(self, tensor: Contraction, entrywise: bool = False) -> None:
        self.order, self.dims = tensor.order, dict(tensor.dims)
        self.pairs = [letters for factor, letters, _ in tensor.factors if _is(factor, "pair")]
        self.factors = [factor for factor in tensor.factors if not _is(factor[0], "pair")]
        self.current: Letters = ()
        self.done: list[Factor | Folded] = []
        self.beside = [self._along(*pair) for pair in tuple(self.pairs)] if entrywise else []

    def _along(self, whole: int, first: int, second: int) -> Folded | None:
        """What lies along both letters of a pair, as a vector on the whole."""
        if first == second or (whole, first, second) not in self.pairs:
            return None
        own = [f for f in self.factors if set(f[1]) == {first, second}]
        for other in [p for p in self.pairs if p[0] != whole and set(p[1:]) == {first, second}]:
            vector, ends = self._component(other[0])
            alone = other[0] >= self.order and sum(other[0] in p for p in self.pairs) == 1
            if alone and vector and ends == {other[0]}:
                self.pairs.remove(other)
                self._take(vector, (other[0],))
                own += [*vector, (pair(*self._sizes(other[1:])), other, Fraction(1))]
        if not own:
            return None
        part = self._take(own, (second, first))
        return Folded("vec", [part], (whole,), self._sizes((whole,)))

    def folded(self) -> list[Factor | Folded]:
        wholes = {letters[0] for letters in self.pairs}
        for letters in [p for p in self.pairs if wholes & set(p[1:])]:
            self._nested(*letters)
        while self.pairs:
            self.current = whole, first, second = self.pairs.pop(0)
            if first == second:
                self._diagonal(whole, first)
                continue
            if not (self._vectorised(whole, first, second) or self._product(whole, first, second)):
                raise NoMatrixForm
        beside = [item for item in self.beside if item is not None]
        return [*self.done, *beside, *self.factors]

    def _diagonal(self, whole: int, letter: int) -> None:
        """``vec`` of a diagonal matrix: both letters of a pair are one."""
        factors, ends = self._component(letter)
        if letter < self.order or whole == letter or ends != {letter} or self._is_paired(letter):
            raise NoMatrixForm
        part = self._matrix((factors, letter), letter)
        self.done.append(Folded("vec", [part], (whole,), self._sizes((whole,))))

    def _is_paired(self, letter: int) -> bool:
        """Whether another pair has the letter, or something that is folded already."""
        folded = [item.letters for item in self.done if isinstance(item, Folded)]
        return any(letter in letters for letters in (*self.pairs, *folded))

    def _component(self, letter: int) -> tuple[list[Factor], set[int]]:
        """The factors that hang together with a letter, and where they meet pairs and axes."""
        ends = {x for pair in (self.current, *self.pairs) for x in pair}
        ends |= {*range(self.order), letter}
        ends |= {x for item in self.done if isinstance(item, Folded) for x in item.letters}
        leaders = connected([*(ls for _, ls, _ in self.factors), (letter,)])
        found = [f for f in self.factors if f[1] and leaders[f[1][0]] == leaders[letter]]
        return found, {x for _, ls, _ in found for x in ls if x in ends} | {letter}

    def _take(self, factors: Sequence[Factor], free: Letters) -> Tensor:
        dims = {letter: self.dims[letter] for letter in free}
        self.factors = [f for f in self.factors if not any(f is g for g in factors)]
        return contract(1, factors, free, dims)

    def _sizes(self, letters: Letters) -> tuple[Dim, ...]:
        return tuple(self.dims[letter] for letter in letters)

    def _vectorised(self, whole: int, first: int, second: int) -> bool:
        """``vec`` of what hangs on both letters, ``unvec`` of a vector on the pair."""
        inner, ends = self._component(first)
        summed = first >= self.order and second >= self.order
        summed = summed and not (self._is_paired(first) or self._is_paired(second))
        if summed and ends | {first, second} == {first, second} and self._reaches(inner, second):
            part = self._take(inner, (second, first))
            self.done.append(Folded("vec", [part], (whole,), self._sizes((whole,))))
            return True
        vector, ends = self._component(whole)
        beside = any(item is not None and whole in item.letters for item in self.beside)
        alone = whole >= self.order and not (beside or self._is_paired(whole))
        if alone and vector and ends == {whole}:
            part = self._take(vector, (whole,))
            letters = (second, first)
            self.done.append(Folded("unvec", [part], letters, self._sizes(letters)))
            return True
        return False

    def _nested(self, whole: int, first: int, second: int) -> None:
        """``vec`` of what other pairs tie together, ``vec(kron(A, B))``."""
        if first == second or (whole, first, second) not in self.pairs:
            return
        others = [letters for letters in self.pairs if letters != (whole, first, second)]
        pairs: list[Factor] = [(pair(*self._sizes(p[1:])), p, Fraction(1)) for p in others]
        items = [*self.factors, *pairs]
        leaders = connected([*(letters for _, letters, _ in items), (first,), (second,)])
        own = [f for f in items if f[1] and leaders[f[1][0]] == leaders[first]]
        within = {letter for _, letters, _ in own for letter in letters}
        folded = [item for item in (*self.done, *self.beside) if isinstance(item, Folded)]
        outside = {whole, *range(self.order)}.union(*(item.letters for item in folded))
        if leaders[first] == leaders[second] and not within & outside:
            inside = [letters for _, letters, _ in own]
            self.pairs = [letters for letters in others if letters not in inside]
            part = self._take(own, (second, first))
            self.done.append(Folded("vec", [part], (whole,), self._sizes((whole,))))

    @staticmethod
    def _reaches(factors: Sequence[Factor], letter: int) -> bool:
        return any(letter in letters for _, letters, _ in factors)

    def _product(self, whole: int, first: int, second: int) -> bool:
        """``kron`` of what hangs on one letter and what hangs on the other.

        Where the letters end in another pair the other way round, the commutation matrix stands
        between.
        """
        left, right = self._reach(first), self._reach(second)
        if left is None or right is None:
            return False
        ends = [left[1], right[1]]
        if self._is_paired(whole) or any(p[0] in (first, second) for p in self.pairs):
            return False
        partner = next((p for p in self.pairs if set(p[1:]) & set(ends)), None)
        if partner is None:
            columns = [end for end in ends if end is not None]
            if len(columns) > 1:
                return False
            factors = [self._matrix(reach, x) for reach, x in ((left, first), (right, second))]
            letters = (whole, *columns)
            self.done.append(Folded("kron", factors, letters, self._sizes(letters)))
            return True
        crossed = ends[0] == partner[2] or ends[1] == partner[1]
        goals = partner[1:][::-1] if crossed else partner[1:]
        self.pairs.remove(partner)
        self.current = (*self.current, *partner)
        within = (first, second, *goals)
        if any(map(self._is_paired, within)) or min(within) < self.order or goals[0] == goals[1]:
            return False
        closing = []
        for end, goal in zip(ends, goals, strict=True):
            beyond = None if end == goal else self._reach(goal)
            open_end = end is None and (beyond is None or beyond[1] is not None)
            if end not in (goal, None) or open_end:
                return False
            closing.append(beyond)
        factors = [
            self._matrix(reach, x, goal, beyond)
            for reach, x, goal, beyond in zip(
                (left, right), (first, second), goals, closing, strict=True
            )
        ]
        if not crossed:
            letters = (whole, partner[0])
            self.done.append(Folded("kron", factors, letters, self._sizes(letters)))
            return True
        middle = 1 + max(self.dims)
        self.dims[middle] = self.dims[partner[0]]
        trivial = all(isinstance(factor, Delta) for factor in factors)
        if trivial:
            middle = whole
        else:
            letters = (whole, middle)
            self.done.append(Folded("kron", factors, letters, self._sizes(letters)))
        sizes = (partner[2], partner[1])
        swap = (middle, partner[0])
        self.done.append(Folded("commutation", (), swap, self._sizes(swap), self._sizes(sizes)))
        return True

    def _matrix(
        self,
        reach: Reach,
        letter: int,
        goal: int | None = None,
        beyond: Reach | None = None,
    ) -> Tensor:
        """What lies between a letter and where it ends; a diagonal matrix where that is itself."""
        factors, end = reach
        if beyond is not None:
            assert goal is not None
            return self._take([*factors, *beyond[0]], (letter, goal))
        if end == letter:
            size = self.dims[letter]
            if not factors:
                return Delta(size)
            own = self._take(factors, (letter,))
            return contract(1, [(own, (0,)), (Delta(size), (0, 1))], (0, 1))
        return self._take(factors, (letter,) if end is None else (letter, end))

    def _reach(self, letter: int) -> Reach | None:
        """The factors on a letter, and the letter at their other end."""
        factors, ends = self._component(letter)
        if letter < self.order or self._is_paired(letter):
            return (factors, letter) if ends == {letter} else None
        others = ends - {letter}
        if len(others) > 1:
            return None
        return factors, others.pop() if others else None
