"""What each function of the language is in NumPy.

A row of :data:`FUNCTIONS` is a formula in its arguments; where one would be written twice, or where
the plain formula overflows or loses its digits, the row calls one of :data:`HELPERS`, short
functions that are written out in the generated module when they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["COMPARISONS", "FUNCTIONS", "HELPERS", "Helper", "helpers_needed"]

FUNCTIONS: Final[Mapping[str, str]] = {
    "exp": "np.exp({0})",
    "log": "np.log({0})",
    "log1p": "np.log1p({0})",
    "sqrt": "np.sqrt({0})",
    "square": "np.square({0})",
    "abs": "np.abs({0})",
    "sign": "np.sign({0})",
    "heaviside": "np.heaviside({0}, 0.5)",
    "sin": "np.sin({0})",
    "cos": "np.cos({0})",
    "tan": "np.tan({0})",
    "asin": "np.arcsin({0})",
    "acos": "np.arccos({0})",
    "atan": "np.arctan({0})",
    "sinh": "np.sinh({0})",
    "cosh": "np.cosh({0})",
    "tanh": "np.tanh({0})",
    "erf": "_erf({0})",
    "sigmoid": "_sigmoid({0})",
    "softplus": "np.logaddexp(0.0, {0})",
    "relu": "np.maximum({0}, 0.0)",
    "leaky_relu": "_leaky_relu({0}, {1})",
    "elu": "_elu({0}, {1})",
    "selu": "_selu({0})",
    "gelu": "_gelu({0})",
    "gelu_tanh": "_gelu_tanh({0})",
    "silu": "_silu({0})",
    "mish": "_mish({0})",
    "power": "np.power({0}, {1})",
    "max": "np.maximum({0}, {1})",
    "min": "np.minimum({0}, {1})",
    "clip": "np.clip({0}, {1}, {2})",
    "huber": "_huber({0}, {1})",
    "softmax": "_softmax({0})",
    "logsumexp": "_logsumexp({0})",
    "inverse": "np.linalg.inv({0})",
    "solve": "np.linalg.solve({0}, {1})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
    "norm": "np.linalg.norm({0})",
    "where": "np.where({0}, {1}, {2})",
    "outer": "np.outer({0}, {1})",
    "trace": "np.trace({0})",
    "diagonal": "np.diagonal({0})",
    "diag": "np.diag({0})",
    "mean": "np.mean({0})",
}
"""Functions and operators that NumPy writes as a call, arguments in order."""

COMPARISONS: Final[Mapping[str, str]] = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that a generated module defines for itself.

    Attributes:
        source: Its text.
        uses: Other helpers that it calls.
        imports: Modules of the standard library that it needs.
    """

    source: str
    uses: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


HELPERS: Final[Mapping[str, Helper]] = {
    "_logsumexp": Helper('''
def _logsumexp(z):
    """log(sum(exp(z))) along the last axis, without overflow."""
    top = z.max(axis=-1)
    return top + np.log(np.sum(np.exp(z - top[..., None]), axis=-1))
'''),
    "_softmax": Helper('''
def _softmax(z):
    """exp(z) / sum(exp(z)) along the last axis, without overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
'''),
    "_sigmoid": Helper('''
def _sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)
'''),
    "_erf": Helper(
        """
_erf = np.vectorize(math.erf, otypes=[float])
""",
        imports=("math",),
    ),
    "_leaky_relu": Helper('''
def _leaky_relu(x, slope):
    """x above 0, slope * x below."""
    return np.where(x > 0.0, x, slope * x)
'''),
    "_elu": Helper('''
def _elu(x, alpha):
    """x above 0, alpha * (exp(x) - 1) below."""
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))
'''),
    "_selu": Helper('''
def _selu(x):
    """The scaled exponential linear unit."""
    below = 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))
    return 1.0507009873554805 * np.where(x > 0.0, x, below)
'''),
    "_gelu": Helper(
        '''
def _gelu(x):
    """x times the normal distribution function at x."""
    return 0.5 * x * (1.0 + _erf(x / np.sqrt(2.0)))
''',
        uses=("_erf",),
    ),
    "_gelu_tanh": Helper('''
def _gelu_tanh(x):
    """gelu with tanh in place of erf."""
    return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
'''),
    "_silu": Helper(
        '''
def _silu(x):
    """x * sigmoid(x)."""
    return x * _sigmoid(x)
''',
        uses=("_sigmoid",),
    ),
    "_mish": Helper('''
def _mish(x):
    """x * tanh(softplus(x))."""
    return x * np.tanh(np.logaddexp(0.0, x))
'''),
    "_huber": Helper('''
def _huber(r, delta):
    """r**2 / 2 where |r| <= delta, delta * (|r| - delta / 2) elsewhere."""
    size = np.abs(r)
    return np.where(size <= delta, 0.5 * r**2, delta * (size - 0.5 * delta))
'''),
}
"""Helpers by name, in the order in which a module defines them."""


def helpers_needed(names: Iterable[str]) -> tuple[str, ...]:
    """These helpers and those that they call, in the order of definition."""
    needed = set(names)
    for name in tuple(needed):
        needed.update(HELPERS[name].uses)
    return tuple(name for name in HELPERS if name in needed)
