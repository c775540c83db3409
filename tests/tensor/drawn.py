"""Random tensors of order 0 to 4, in the idioms that the rewritings look for.

Axes lie in any order, letters are repeated on a factor, and summed letters are shared by several
factors. :func:`drawn` makes a tensor from a seed; :func:`values_of` an array for every variable in
it, obeying its facts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import numpy as np

from derive.shapes import Dim, Shape, as_dim, times
from derive.tensor.algebra import add, apply, contract, invoke, number, ones, scale, size_of
from derive.tensor.incidence import lower, pair, select
from derive.tensor.nodes import Delta, Letters, Tensor, Variable
from derive.tensor.substitution import variables_of

__all__ = ["SIZES", "drawn", "values_of"]

SIZES: Final = ({"n": 3, "m": 4, "k": 2}, {"n": 2, "m": 1, "k": 3}, {"n": 1, "m": 1, "k": 1})
DIMS: Final = tuple(map(as_dim, ("n", "n", "m", "k")))
MORE: Final = (times(DIMS[0], DIMS[2]), DIMS[3] + DIMS[2], DIMS[3] + 1)
MARKS: Final = str.maketrans("*+", "tp", " ")
EPSILON: Final = number(Fraction(1, 100))
HALF: Final = Fraction(1, 2)
SQUARE: Final = (
    "symmetric positive_definite orthogonal diagonal lower_triangular upper_triangular".split()
)
LEADING: Final = ("probability", "onehot", "signs", "nonnegative", "positive")
SMOOTH: Final = ("tanh", "sigmoid", "softplus", "sin", "abs", "relu", "silu", "selu", "atan")
CHOICES: Final = ("gt", "le", "ge", "lt")


def drawn(seed: int, shape: Shape | None = None, depth: int = 2, facts: bool = False) -> Tensor:
    """The tensor of a seed; of a given shape on request."""
    draw = _Draw(random.Random(seed), facts)
    if shape is None:
        shape = draw.dims(draw.random.choice([0, 1, 1, 2, 2, 2, 3, 3, 4]))
    return draw.tensor(shape, depth)


def values_of(
    tensor: Tensor, sizes: Mapping[str, int], random: np.random.Generator
) -> dict[str, Any]:
    """An array for each variable that a tensor is made of."""
    found: dict[str, Any] = {}
    for variable in sorted(_given(tensor), key=lambda variable: variable.key):
        extent = tuple(int(dim.subs(sizes_of(dim, sizes))) for dim in variable.shape)
        found[variable.name] = _obeying(variable.facts, extent, random)
    return found


def sizes_of(dim: Dim, sizes: Mapping[str, int]) -> dict[Any, int]:
    return {symbol: sizes[symbol.name] for symbol in dim.free_symbols}


def _given(tensor: Tensor) -> set[Variable]:
    found: set[Variable] = set()
    for variable in variables_of(tensor):
        found |= {variable} if variable.value is None else _given(variable.value)
    return found


def _obeying(facts: frozenset[str], extent: tuple[int, ...], random: np.random.Generator) -> Any:
    raw = random.normal(size=extent)
    if facts & {"positive", "nonnegative"}:
        return np.abs(raw) + 0.3
    if "probability" in facts:
        weights = np.abs(raw) + 0.3
        return weights / weights.sum(axis=-1, keepdims=True)
    if "onehot" in facts:
        return np.eye(extent[-1])[random.integers(extent[-1], size=extent[:-1])]
    if "signs" in facts:
        return np.where(raw > 0, 1.0, -1.0)
    square: dict[str, Callable[[], Any]] = {
        "symmetric": lambda: raw + raw.T,
        "positive_definite": lambda: raw @ raw.T + np.eye(len(raw)),
        "orthogonal": lambda: np.linalg.qr(raw)[0],
        "diagonal": lambda: np.diag(np.diagonal(raw)),
        "lower_triangular": lambda: np.tril(raw),
        "upper_triangular": lambda: np.triu(raw),
    }
    for fact in square.keys() & facts:
        return square[fact]()
    return raw


class _Draw:
    """Draws tensors, one part from the next."""

    def __init__(self, generator: random.Random, facts: bool) -> None:
        self.random, self.facts = generator, facts
        self.known: list[Tensor] = []
        self.count = 0

    def dims(self, order: int) -> Shape:
        return tuple(self.random.choice(MORE if self.flip(0.3) else DIMS) for _ in range(order))

    def flip(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def tensor(self, shape: Shape, depth: int) -> Tensor:
        """A tensor of a shape; now and then one that was met before."""
        same = [tensor for tensor in self.known if tensor.shape == shape]
        if same and self.flip(0.25):
            return self.random.choice(same)
        if depth <= 0:
            return self.leaf(shape)
        rules = [self.contraction, self.contraction, self.total, self.entrywise, self.choice]
        rules += [self.softened, self.quotient, self.difference, self.logarithm] * 2
        rules += [self.turned, self.named, self.entries, self.blocks, self.labelled, self.solved]
        rules += [self.placed] * 2
        found = self.random.choice(rules)(shape, depth)
        assert found.shape == shape, (found, shape)
        if self.flip(0.12) and not isinstance(found, Variable):
            role = self.random.choice(["defined", "adjoint"])
            self.count += 1
            found = Variable(f"v{self.count}", shape, frozenset(), found, role)
        self.known.append(found)
        return found

    def labelled(self, shape: Shape, depth: int) -> Tensor:
        """Cross-entropies beside what they are compared with."""
        axes = tuple(range(len(shape)))
        own = (*shape, self.random.choice(DIMS))
        if self.flip(0.3):
            z, y = self.tensor(shape, depth - 1), self.variable(shape)
            image = apply("softplus", [(z, axes)], shape)
            return add([image, contract(-1, [(y, axes), (z, axes)], axes)], shape)
        z = self.tensor(own, depth - 1)
        name = "_".join(["q", *(str(dim).translate(MARKS) for dim in own)])
        y = Variable(name, own, frozenset({"probability"}))
        letters = (*axes, len(axes))
        first = invoke("logsumexp", [z], shape)
        product = contract(-1, [(y, letters), (z, letters)], axes)
        if shape and self.flip(0.4):
            kept = tuple(self.random.sample(axes, self.random.randint(0, len(axes))))
            spread = tuple(self.random.choice(axes) for _ in axes)
            if tuple(shape[a] for a in spread) != shape:
                spread = axes
            parts = [contract(1, [(first, spread)], kept, dict(enumerate(shape)))]
            parts += [contract(1, [(product, axes)], kept)]
            found = add(parts, tuple(shape[a] for a in kept))
            return contract(1, [(found, kept)], axes, dict(enumerate(shape)))
        return add([first, product], shape)

    def solved(self, shape: Shape, depth: int) -> Tensor:
        """Products with an inverse, whole and scaled, along any axis."""
        if not shape:
            return self.contraction(shape, depth)
        axes = tuple(range(len(shape)))
        axis = self.random.choice(axes)
        x = self.variable((shape[axis], self.random.choice(DIMS)))
        gram = contract(1, [(x, (0, 2)), (x, (1, 2))], (0, 1))
        square = (shape[axis], shape[axis])
        inverse = invoke("inverse", [add([gram, Delta(shape[axis])], square)], square)
        terms = []
        for _ in range(self.random.randint(1, 2)):
            own = self.tensor(shape, depth - 1)
            along = tuple(len(axes) if a == axis else a for a in axes)
            both = (axis, len(axes)) if self.flip(0.8) else (len(axes), axis)
            terms.append(contract(1, [(own, along), (inverse, both)], axes))
            same = [a for a in axes if a != axis and shape[a] == shape[axis]]
            if same:
                v = self.variable((shape[axis],))
                pair_ = (axis, self.random.choice(same))
                factors = [(v, pair_[1:]), (inverse, pair_ if self.flip() else pair_[::-1])]
                terms.append(contract(1, factors, axes, dict(enumerate(shape))))
        return add(terms, shape)

    def placed(self, shape: Shape, depth: int) -> Tensor:
        """Parts beside each other along an axis, and axes made one."""
        if not shape:
            return self.contraction(shape, depth)
        axes, dims = tuple(range(len(shape))), dict(enumerate(shape))
        axis = self.random.choice(axes)
        letters = tuple(len(axes) if a == axis else a for a in axes)
        sides = shape[axis].args if shape[axis].is_Mul else ()
        if len(sides) == 2 and all(s.is_Symbol for s in sides):
            own = (*shape[:axis], *sides, *shape[axis + 1 :])
            letters = (*axes[:axis], len(axes), len(axes) + 1, *axes[axis + 1 :])
            joint = (pair(*sides), (axis, len(axes), len(axes) + 1))
            if self.flip():
                left = self.some(len(own))
                right = tuple(a for a in range(len(own)) if a not in left or self.flip(0.2))
                factors = []
                for side in (left, right):
                    inner = self.tensor(tuple(own[a] for a in side), depth - 1)
                    factors.append((inner, tuple(letters[a] for a in side)))
                return contract(1, [*factors, joint], axes, dims)
            return contract(1, [(self.tensor(own, depth - 1), letters), joint], axes, dims)
        size = self.random.choice(DIMS)
        own = (*shape[:axis], size, *shape[axis + 1 :])
        if not shape[axis].is_Add:
            return self.blocks(shape, depth)
        first, *rest = shape[axis].as_ordered_terms()
        start, terms = as_dim(1) - 1, []
        for size in (first, sum(rest)):
            own = (*shape[:axis], size, *shape[axis + 1 :])
            inner = self.tensor(own, depth - 1)
            chosen = select(start, size, shape[axis])
            terms.append(contract(1, [(inner, letters), (chosen, (len(axes), axis))], axes, dims))
            start = start + size
        return add(terms if self.flip(0.7) else terms[:1], shape)

    # Leaves

    def leaf(self, shape: Shape, positive: bool = False) -> Tensor:
        order = len(shape)
        if order > 1 and self.flip(0.3):
            axes = list(range(order))
            self.random.shuffle(axes)
            inner = self.variable(tuple(shape[axis] for axis in axes), positive)
            return contract(1, [(inner, tuple(axes))], tuple(range(order)))
        if order and self.flip(0.2):
            axis = self.random.randrange(order)
            return contract(
                1,
                [(self.variable((shape[axis],), positive), (axis,))],
                tuple(range(order)),
                dict(enumerate(shape)),
            )
        return self.variable(shape, positive)

    def variable(self, shape: Shape, positive: bool = False) -> Tensor:
        facts: list[str] = ["positive"] if positive else []
        if self.facts and not positive and self.flip():
            facts = [self.random.choice(LEADING)] if shape else []
            if len(shape) == 2 and shape[0] == shape[1] and self.flip(0.7):
                facts = [self.random.choice(SQUARE)]
        stem = self.random.choice("xy") if not positive else "p"
        sizes = "_".join(str(dim).translate(MARKS) for dim in shape)
        name = "".join([stem, sizes, *(fact[:2] for fact in facts)])
        return Variable(name, shape, frozenset(facts))

    def positive(self, shape: Shape, depth: int) -> Tensor:
        if depth <= 0 or self.flip(0.3):
            return self.leaf(shape, True)
        axes = tuple(range(len(shape)))
        if self.flip(0.3):
            own = (*shape, self.random.choice(DIMS))
            power = self.random.choice([1, 2])
            inner = self.positive(own, depth - 1) if power == 1 else self.tensor(own, depth - 1)
            letters = (*axes, len(axes))
            if self.flip() and power == 2:
                one = apply("exp", [(self.bounded(own, depth - 1), letters)], own)
                return contract(1, [(one, letters)], axes)
            total = contract(1, [(inner, letters, Fraction(power))], axes)
            return add([total, scale(Fraction(1, 10), ones(shape))], shape) if power == 2 else total
        if self.flip(0.4):
            e = apply("exp", [(self.bounded(shape, depth - 1), axes)], shape)
            return add([e, self.positive(shape, depth - 1)], shape)
        function = self.random.choice(["exp", "softplus", "sigmoid", "cosh"])
        return apply(function, [(self.bounded(shape, depth - 1), axes)], shape)

    def bounded(self, shape: Shape, depth: int) -> Tensor:
        axes = tuple(range(len(shape)))
        inner = self.tensor(shape, depth)
        if isinstance(inner, Variable):
            return inner
        return apply(self.random.choice(["tanh", "sin"]), [(inner, axes)], shape)

    # Products and sums

    def contraction(self, shape: Shape, depth: int) -> Tensor:
        """Factors on free and summed letters, in any order, some repeated."""
        letters = dict(enumerate(shape))
        for _ in range(self.random.randint(0, 2)):
            letters[len(letters)] = self.random.choice(DIMS)
        factors = []
        for _ in range(self.random.randint(1, 3)):
            order = self.random.randint(0, 3)
            names = sorted(letters)
            if not names:
                order = 0
            along = tuple(self.random.choice(names) for _ in range(order))
            if self.flip(0.6):
                along = tuple(self.random.sample(names, min(order, len(names))))
            own = tuple(letters[x] for x in along)
            if len(own) == 2 and own[0] == own[1] and self.flip(0.3):
                factors.append((self.random.choice([Delta(own[0]), lower(*own)]), along, 1))
                continue
            power = self.random.choice([1, 1, 1, 2, -1, HALF, -HALF, Fraction(-3, 2)])
            draw = self.tensor if power in (1, 2) else self.positive
            factors.append((draw(own, depth - 1), along, power))
        coefficient = self.random.choice([1, 1, 2, -1, Fraction(1, 3)])
        items = [(t, ls, Fraction(p)) for t, ls, p in factors]
        return contract(coefficient, items, tuple(range(len(shape))), letters)

    def total(self, shape: Shape, depth: int) -> Tensor:
        """A sum of terms along some of the axes."""
        return add([self.along(shape, depth - 1) for _ in range(self.random.randint(2, 3))], shape)

    def along(self, shape: Shape, depth: int) -> Tensor:
        """A multiple of something that lies along some of the axes in some order."""
        axes = self.some(len(shape))
        inner = self.tensor(tuple(shape[x] for x in axes), depth)
        coefficient = self.random.choice([1, -1, 2])
        return contract(
            coefficient, [(inner, axes)], tuple(range(len(shape))), dict(enumerate(shape))
        )

    def some(self, order: int) -> Letters:
        count = order if self.flip(0.6) else self.random.randint(0, order)
        return tuple(self.random.sample(range(order), count))

    def turned(self, shape: Shape, depth: int) -> Tensor:
        """The axes in another order."""
        axes = tuple(self.random.sample(range(len(shape)), len(shape)))
        inner = self.tensor(tuple(shape[x] for x in axes), depth - 1)
        return contract(1, [(inner, axes)], tuple(range(len(shape))), dict(enumerate(shape)))

    def last(self, shape: Shape, make: Callable[[Shape], Tensor]) -> Tensor:
        """A tensor made with one of the axes last, others in any order."""
        axes = tuple(self.random.sample(range(len(shape)), len(shape)))
        if self.flip(0.3):
            axes = tuple(range(len(shape)))
        return contract(1, [(make(tuple(shape[x] for x in axes)), axes)], tuple(range(len(shape))))

    # Idioms

    def entrywise(self, shape: Shape, depth: int) -> Tensor:
        axes = tuple(range(len(shape)))
        kind = self.random.choice(["one", "one", "max", "elu", "exp"])
        if kind == "one":
            function = self.random.choice(SMOOTH)
            return apply(function, [(self.tensor(shape, depth - 1), axes)], shape)
        if kind == "exp":
            return apply("exp", [(self.bounded(shape, depth - 1), axes)], shape)
        if kind == "elu":
            args = [(self.tensor(shape, depth - 1), axes), (number(HALF), ())]
            return apply(self.random.choice(["elu", "leaky_relu"]), args, shape)
        args = [self.argument(shape, depth - 1) for _ in range(2)]
        return apply(self.random.choice(["max", "min"]), args, shape)

    def argument(self, shape: Shape, depth: int) -> tuple[Tensor, Letters]:
        axes = self.some(len(shape))
        return self.tensor(tuple(shape[x] for x in axes), depth), axes

    def indicator(self, shape: Shape) -> tuple[Tensor, Tensor, Letters]:
        """An indicator of a shape, what it compares, and along which axes that lies."""
        axes = self.some(len(shape)) or tuple(range(len(shape)))
        x = self.leaf(tuple(shape[a] for a in axes))
        other: tuple[Tensor, Letters] = (number(0), ())
        if self.flip(0.3):
            beside = self.some(len(shape))
            other = self.variable(tuple(shape[a] for a in beside), True), beside
        args = [(x, axes), other]
        return apply(self.random.choice(CHOICES), args, shape), x, axes

    def choice(self, shape: Shape, depth: int) -> Tensor:
        """Indicators times what may leave its domain, and choices."""
        axes, dims = tuple(range(len(shape))), dict(enumerate(shape))
        found, x, along = self.indicator(shape)
        risky = [apply(f, [(x, tuple(range(x.order)))], x.shape) for f in ("exp", "cosh", "abs")]
        function = self.random.choice(risky)
        if self.flip():
            e = self.tensor(shape, depth - 1)
            return apply("where", [(found, axes), (function, along), (e, axes)], shape)
        term = contract(1, [(found, axes), (function, along), self.argument(shape, 0)], axes, dims)
        return add([term, self.along(shape, depth - 1)], shape) if self.flip() else term

    def softened(self, shape: Shape, depth: int) -> Tensor:
        """Softmax along an axis, in its own words or not, and what it sends back."""
        if not shape:
            return self.named(shape, depth)
        axes = tuple(range(len(shape)))

        def make(own: Shape) -> Tensor:
            kept = axes[:-1]
            z = self.tensor(own, depth - 1)
            p = invoke("softmax", [z], own)
            if self.flip(0.4):
                e = apply("exp", [(self.bounded(own, depth - 1), axes)], own)
                p = contract(1, [(e, axes), (contract(1, [(e, axes)], kept), kept, -1)], axes)
            if self.flip(0.3):
                return p
            g = self.tensor(own, depth - 1)
            mean = contract(-1, [(p, axes), (g, axes)], kept)
            inner = add([g, contract(1, [(mean, kept)], axes, dict(enumerate(own)))], own)
            return inner if self.flip(0.3) else contract(1, [(p, axes), (inner, axes)], axes)

        return self.last(shape, make)

    def quotient(self, shape: Shape, depth: int) -> Tensor:
        """Quotients by norms, by sums of exponentials, by hyperbolic cosines and of products."""
        axes, dims = tuple(range(len(shape))), dict(enumerate(shape))
        kind = self.random.choice(["norm", "norm", "exp", "exp", "cosh", "prod"])
        if kind == "cosh":
            args = [self.bounded(shape, depth - 1) for _ in range(2)]
            t, u = args[0], self.random.choice(args)
            above = apply("sinh", [(t, axes)], shape)
            below = apply("cosh", [(u, axes)], shape)
            return contract(1, [(above, axes), (below, axes, Fraction(-2))], axes, dims)
        if kind == "exp":
            s = self.bounded(shape, depth - 1)
            e = apply("exp", [(s, axes)], shape)
            along = self.some(len(shape))
            other = self.bounded(tuple(shape[x] for x in along), depth - 1)
            f = apply("exp", [(other, tuple(range(other.order)))], other.shape)
            below = add([e, contract(1, [(f, along)], axes, dims)], shape)
            power = Fraction(self.random.choice([-1, -2, -1, -HALF]))
            above = self.random.choice([(e, axes), (f, along), self.argument(shape, depth - 1)])
            return contract(1, [above, (below, axes, power)], axes, dims)
        x = self.tensor(shape, depth - 1)
        if kind == "prod":
            x = self.leaf(shape, True)
            leading = self.random.randint(0, len(shape))
            if leading == len(shape):
                return x
            product = invoke("prod", [x], shape[:leading])
            if self.flip(0.3):
                inner = contract(1, [(product, axes[:leading]), (x, axes, -1)], axes)
                swapped = tuple(self.random.sample(axes, len(axes)))
                back = tuple(shape[a] for a in swapped)
                if back == shape:
                    return contract(1, [(inner, swapped)], axes)
            if self.flip(0.4):
                c, letters = self.argument(shape, depth - 1)
                inner = contract(1, [(c, letters), (x, axes, Fraction(-1))], axes)
                both = add([inner, self.along(shape, depth - 1)], shape)
                return contract(1, [(product, axes[:leading]), (both, axes)], axes)
            return contract(1, [(product, axes[:leading]), (x, axes, Fraction(-1))], axes)
        kept = tuple(a for a in axes if self.flip(0.4))
        x = x if x.order else self.variable(())
        if len(kept) == len(axes):
            kept = ()
        square = contract(1, [(x, axes, Fraction(2))], kept)
        c = self.tensor(shape, depth - 1)
        first = contract(1, [(c, axes), (square, kept, -HALF)], axes, dims)
        if self.flip(0.4):
            return contract(1, [(x, axes), (square, kept, -HALF)], axes, dims)
        if self.flip(0.3):
            squares = contract(2, [(x, axes, Fraction(2))], axes)
            other = contract(1, [(x, axes), self.argument(shape, depth - 1)], axes)
            both = add([squares, other] if self.flip() else [x, other], shape)
            return contract(1, [(both, axes), (square, kept, -HALF)], axes, dims)
        dot = contract(1, [(c, axes), (x, axes)], kept)
        factors = [(dot, kept, Fraction(1)), (x, axes, Fraction(1)), (square, kept, -3 * HALF)]
        return add([first, contract(-1, factors, axes, dims)], shape)

    def difference(self, shape: Shape, depth: int) -> Tensor:
        """Differences from means, and from 1."""
        axes, dims = tuple(range(len(shape))), dict(enumerate(shape))
        x = self.tensor(shape, depth - 1)
        if not shape or self.flip(0.4):
            function = self.random.choice(["sigmoid", "tanh", "exp", "softplus"])
            x = self.bounded(shape, depth - 1)
            image = apply(function, [(x, axes)], shape)
            power = Fraction(self.random.choice([1, 2]))
            one = self.random.choice([ones(shape), ones(shape), self.along(shape, 0)])
            return add([one, contract(-1, [(image, axes, power)], axes, dims)], shape)
        axis = self.random.choice(axes)
        kept = tuple(a for a in axes if a != axis)
        total = contract(-1, [(x, axes), (size_of(shape[axis]), (), Fraction(-1))], kept)
        mean = contract(1, [(total, kept)], axes, dims)
        rest = [self.along(shape, 0)] if self.flip(0.2) else []
        return add([x, mean, *rest], shape)

    def logarithm(self, shape: Shape, depth: int) -> Tensor:
        """Logarithms of sums of exponentials, of products, of functions, of 1 + t."""
        axes = tuple(range(len(shape)))
        kind = self.random.choice(["sum", "product", "any", "plus", "softmax"])
        if kind == "softmax" and shape:
            inner = self.last(
                shape, lambda own: invoke("softmax", [self.tensor(own, depth - 1)], own)
            )
        elif kind == "sum":
            place = self.random.randint(0, len(shape))
            own = (*shape[:place], self.random.choice(DIMS), *shape[place:])
            every = tuple(range(len(own)))
            e = apply("exp", [(self.bounded(own, depth - 1), every)], own)
            inner = contract(1, [(e, every)], (*every[:place], *every[place + 1 :]))
        elif kind == "product":
            factors = [(self.positive(shape, depth - 1), axes, Fraction(p)) for p in (1, -1)]
            inner = contract(2, factors, axes, dict(enumerate(shape)))
        elif kind == "plus":
            inner = add([ones(shape), self.positive(shape, depth - 1)], shape)
        else:
            inner = self.positive(shape, depth)
        return apply("log", [(inner, axes)], shape)

    def named(self, shape: Shape, depth: int) -> Tensor:
        """Named functions of whole arrays, along the last axes."""
        dim = self.random.choice(DIMS)
        kinds = ["reduce", "reduce", "row", "row"]
        if len(shape) == 2 and shape[0] == shape[1]:
            kinds += ["inverse"] * 4
        kind = self.random.choice(kinds)
        if kind == "reduce" or not shape:
            function = self.random.choice(["logsumexp", "amax", "amin", "var", "prod"])
            return invoke(function, [self.tensor((*shape, dim), depth - 1)], shape)
        if kind == "inverse":
            x = self.variable((shape[0], dim))
            gram = contract(1, [(x, (0, 2)), (x, (1, 2))], (0, 1))
            matrix = add([gram, Delta(shape[0])], shape)
            if self.facts and self.flip(0.3):
                matrix = Variable("Spos", shape, frozenset({"positive_definite"}))
            function = self.random.choice(["inverse", "inverse", "cholesky", "pinv"])
            if function == "pinv" and self.flip():
                x = self.variable((dim, shape[0]))
                p = invoke("pinv", [x], (shape[0], dim))
                return contract(1, [(p, (0, 2)), (x, (2, 1))], (0, 1))
            return invoke(function, [matrix], shape)

        def make(own: Shape) -> Tensor:
            x = self.tensor(own, depth - 1)
            function = self.random.choice(["softmax", "log_softmax", "layernorm", "rmsnorm"])
            more = [EPSILON] if function.endswith("norm") else []
            return invoke(function, [x, *more], own)

        return self.last(shape, make)

    def entries(self, shape: Shape, depth: int) -> Tensor:
        """A tensor that is 0 unless some of its axes agree."""
        axes = tuple(range(len(shape)))
        pairs = [(a, b) for a in axes for b in axes if a < b and shape[a] == shape[b]]
        self.random.shuffle(pairs)
        factors = [(Delta(shape[a]), (a, b), Fraction(1)) for a, b in pairs[:2]]
        inner, along = self.argument(shape, depth - 1)
        found = contract(1, [*factors, (inner, along, Fraction(1))], axes, dict(enumerate(shape)))
        return add([found, self.along(shape, depth - 1)], shape) if self.flip() else found

    def blocks(self, shape: Shape, depth: int) -> Tensor:
        """Parts, pairs and triangles."""
        axes, dims = tuple(range(len(shape))), dict(enumerate(shape))
        if not shape:
            return self.contraction(shape, depth)
        axis = self.random.choice(axes)
        if self.flip():
            longer = shape[axis] + 1
            own = (*shape[:axis], longer, *shape[axis + 1 :])
            inner = self.tensor(own, depth - 1)
            letters = tuple(len(axes) if a == axis else a for a in axes)
            chosen = select(as_dim(self.random.choice([1])), shape[axis], longer)
            return contract(1, [(inner, letters), (chosen, (axis, len(axes)))], axes, dims)
        first, second = self.dims(2)
        joint = pair(first, second)
        inner = self.tensor((*shape, joint.shape[0]), depth - 1)
        other = self.tensor(self.random.choice([(first, second), (second, first)]), depth - 1)
        a, b = (len(axes) + 1, len(axes) + 2)
        along = (a, b) if other.shape == (first, second) else (b, a)
        factors = [(inner, (*axes, len(axes))), (joint, (len(axes), a, b)), (other, along)]
        return contract(1, factors, axes, dims)
