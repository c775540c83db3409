"""Contractions with arrays of zeros and ones, drawn at random, have the value of what is printed.

``vec``, ``unvec``, ``kron``, blocks and the commutation matrix are such contractions; letters may
meet in ways that no problem of the gallery has.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sympy import Integer

from derive.emit.text import LANGUAGE, text
from derive.notation.raising import raised
from derive.shapes import as_dim
from derive.tensor.algebra import add, contract
from derive.tensor.incidence import pair, select
from derive.tensor.nodes import Delta, Factor, Tensor, Variable
from derive.tensor.simplification import simplify
from derive.tensor.substitution import variables_of
from tests.notation.test_order_four import Numbers
from tests.tensor.evaluation import evaluate

SIZES = (2, 3)
LARGEST = 6
"""Arrays are given along axes that are no longer than this."""

SEEDS = 300
"""Contractions a test."""


class Drawn:
    """The factors of a contraction as they are drawn, and the sizes of its letters."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.sizes = rng, [rng.choice(SIZES) for _ in range(rng.randint(2, 4))]
        self.factors: list[Factor] = []
        for _ in range(rng.randint(1, 3)):
            self._pair()
        for place in range(rng.randint(0, 4)):
            letters = tuple(self._letter() for _ in range(rng.choice((0, 1, 1, 2, 2))))
            shape = tuple(as_dim(self.sizes[letter]) for letter in letters)
            self._add(Variable("ABCD"[place], shape), *letters)
        for draw in rng.sample(
            (self._delta, self._selection, self._difference), rng.choice((0, 0, 1, 2))
        ):
            draw()

    def _letter(self) -> int:
        short = [letter for letter, size in enumerate(self.sizes) if size <= LARGEST]
        return self.rng.choice(short)

    def _add(self, tensor: Tensor, *letters: int) -> None:
        self.factors.append((tensor, letters, Fraction(1)))

    def _new(self, size: int) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1

    def _pair(self) -> None:
        first, second = self._letter(), self._letter()
        size = self.sizes[first] * self.sizes[second]
        wholes = [letter for letter, other in enumerate(self.sizes) if other == size]
        again = bool(wholes) and self.rng.random() < 0.5
        whole = self.rng.choice(wholes) if again else self._new(size)
        self._add(pair(*(as_dim(self.sizes[x]) for x in (first, second))), whole, first, second)

    def _delta(self) -> None:
        letter = self._letter()
        others = [
            x for x, size in enumerate(self.sizes) if size == self.sizes[letter] and x != letter
        ]
        if others:
            self._add(Delta(as_dim(self.sizes[letter])), letter, self.rng.choice(others))

    def _selection(self) -> None:
        letter = self._letter()
        size = self.sizes[letter]
        count = self.rng.choice((None, *range(2, size)))
        start = Integer(self.rng.randint(0, size - (count or 1)))
        if count is None:
            self._add(select(start, None, as_dim(size)), letter)
        else:
            self._add(select(start, as_dim(count), as_dim(size)), self._new(count), letter)

    def _difference(self) -> None:
        """A matrix less a row in each of its rows."""
        letters = self._letter(), self._letter()
        shape = tuple(as_dim(self.sizes[letter]) for letter in letters)
        matrix, row = Variable("P", shape), Variable("q", shape[1:])
        repeated = contract(-2, [(row, (1,))], (0, 1), dict(enumerate(shape)))
        self._add(add([matrix, repeated], shape), *letters)

    def contraction(self) -> Tensor:
        """Over one axis or two; simplified now and then."""
        letters = sorted({letter for _, along, _ in self.factors for letter in along})
        free = tuple(self.rng.sample(letters, min(len(letters), self.rng.choice((1, 2, 2)))))
        found = contract(self.rng.choice((1, 2, -1)), self.factors, free)
        return simplify(found).tensor if self.rng.random() < 0.5 else found


class Printed(Numbers):
    """What a form stands for, with arrays for its names."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.names = {
            name: value.reshape(-1, 1) if value.ndim == 1 else value
            for name, value in values.items()
        }


@pytest.mark.parametrize("start", range(0, 4 * SEEDS, SEEDS))
def test_what_is_printed_is_the_contraction(start: int) -> None:
    printed = 0
    for seed in range(start, start + SEEDS):
        tensor = Drawn(random.Random(seed)).contraction()
        rng = np.random.default_rng(seed)
        values = {
            variable.name: rng.uniform(0.3, 1.5, tuple(map(int, variable.shape)))
            for variable in variables_of(tensor)
        }
        form = raised(tensor)
        if form.op == "index":
            continue
        printed += 1
        expected = evaluate(tensor, values)
        got = np.asarray(Printed(values).of(form))
        assert got.size == expected.size
        np.testing.assert_allclose(
            got.reshape(expected.shape),
            expected,
            rtol=1e-9,
            err_msg=f"seed {seed}: {tensor!r} is written {text(form, LANGUAGE)}",
        )
    assert printed > SEEDS / 3
