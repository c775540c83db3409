"""What each function of the language is in NumPy.

A row of :data:`FUNCTIONS` is a formula in its arguments; where one would be written twice, or where
the plain formula overflows or loses its digits, the row calls one of :data:`HELPERS`, short
functions that are written out in the generated module when they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["COMPARISONS", "FUNCTIONS", "HELPERS", "REDUCTIONS", "Helper", "helpers_needed"]

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
    "sech": "_sech({0})",
    "log_cosh": "_log_cosh({0})",
    "expm1": "np.expm1({0})",
    "erf": "_erf({0})",
    "erfc": "_erfc({0})",
    "sigmoid": "_sigmoid({0})",
    "softplus": "np.logaddexp(0.0, {0})",
    "logaddexp": "np.logaddexp({0}, {1})",
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
    "log_softmax": "_log_softmax({0})",
    "centred": "_centred({0}, {1})",
    "logsumexp": "_logsumexp({0})",
    "logmeanexp": "_logmeanexp({0})",
    "inverse": "np.linalg.inv({0})",
    "solve": "np.linalg.solve({0}, {1})",
    "det": "np.linalg.det({0})",
    "pinv": "np.linalg.pinv({0})",
    "cholesky": "np.linalg.cholesky({0})",
    "expm": "_expm({0})",
    "expm_frechet": "_expm_frechet({0}, {1})",
    "kron": "np.kron({0}, {1})",
    "tril": "np.tril({0})",
    "triu": "np.triu({0})",
    "others": "_products_of_others({0})",
    "all_others": "_products_of_all_others({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
    "norm": "_norm({0})",
    "row_norms": "_row_norms({0})",
    "hypot": "np.hypot({0}, {1})",
    "where": "np.where({0}, {1}, {2})",
    "outer": "np.outer({0}, {1})",
    "trace": "np.trace({0})",
    "diagonal": "np.diagonal({0})",
    "diag": "np.diag({0})",
}
"""Functions and operators that NumPy writes as a call, arguments in order."""

REDUCTIONS: Final[Mapping[str, str]] = {
    "sum": "sum",
    "mean": "mean",
    "prod": "prod",
    "amax": "max",
    "amin": "min",
    "var": "var",
}
"""Reductions, as NumPy calls them: functions of an array and an axis, and methods of arrays."""

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
    largest = z.argmax(axis=-1, keepdims=True)
    top = np.take_along_axis(z, largest, -1)
    e = np.exp(z - top)
    np.put_along_axis(e, largest, 0.0, -1)
    return top[..., 0] + np.log1p(e.sum(axis=-1))
'''),
    "_log_softmax": Helper('''
def _log_softmax(z):
    """z - log(sum(exp(z))) along the last axis, without overflow."""
    largest = z.argmax(axis=-1, keepdims=True)
    shifted = z - np.take_along_axis(z, largest, -1)
    e = np.exp(shifted)
    np.put_along_axis(e, largest, 0.0, -1)
    return shifted - np.log1p(e.sum(axis=-1, keepdims=True))
'''),
    "_logmeanexp": Helper('''
def _logmeanexp(z):
    """log(mean(exp(z))) along the last axis, without overflow."""
    top = z.max(axis=-1)
    below = np.mean(np.expm1(z - top[..., None]), axis=-1)
    return top + np.log1p(below)
'''),
    "_softmax": Helper('''
def _softmax(z):
    """exp(z) / sum(exp(z)) along the last axis, without overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
'''),
    "_centred": Helper('''
def _centred(g, p):
    """g minus its mean with the weights p along the last axis; one weight may be almost 1."""
    largest = p.argmax(axis=-1, keepdims=True)
    g = g - np.take_along_axis(np.broadcast_to(g, p.shape), largest, -1)
    return g - np.sum(p * g, axis=-1, keepdims=True)
'''),
    "_sigmoid": Helper('''
def _sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)
'''),
    "_sech": Helper('''
def _sech(x):
    """1 / cosh(x), without overflow."""
    e = np.exp(-np.abs(x))
    return 2.0 * e / (1.0 + e * e)
'''),
    "_log_cosh": Helper(
        '''
def _log_cosh(x):
    """log(cosh(x)), without overflow."""
    size = np.abs(x)
    near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 1.0)) ** 2)
    return np.where(size < 1.0, near, size + (np.log1p(np.exp(-2.0 * size)) - math.log(2.0)))
''',
        imports=("math",),
    ),
    "_erf": Helper(
        '''
def _erf(x):
    """The error function, entry by entry."""
    return np.vectorize(math.erf, otypes=[np.result_type(x, 0.0)])(x)
''',
        imports=("math",),
    ),
    "_erfc": Helper(
        '''
def _erfc(x):
    """1 - erf(x), entry by entry."""
    return np.vectorize(math.erfc, otypes=[np.result_type(x, 0.0)])(x)
''',
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
    return 0.5 * x * _erfc(-x / math.sqrt(2.0))
''',
        uses=("_erfc",),
        imports=("math",),
    ),
    "_gelu_tanh": Helper(
        '''
def _gelu_tanh(x):
    """gelu with tanh in place of erf; (1 + tanh(u)) / 2 is the sigmoid of 2 u."""
    return x * _sigmoid(math.sqrt(8.0 / math.pi) * (x + 0.044715 * x**3))
''',
        uses=("_sigmoid",),
        imports=("math",),
    ),
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
    "_deviations": Helper('''
def _deviations(x, axis=-1):
    """x minus its mean along an axis, from differences: the mean may be much larger than they."""
    x = x - np.take(x, [0], axis)
    return x - x.mean(axis, keepdims=True)
'''),
    "_products_of_others": Helper('''
def _products_of_others(x):
    """For each entry the product of the others along the last axis, without a division."""
    one = np.ones_like(x[..., :1])
    before = np.cumprod(np.concatenate([one, x[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, x[..., :0:-1]], axis=-1), axis=-1)
    return before * after[..., ::-1]
'''),
    "_products_of_all_others": Helper(
        '''
def _products_of_all_others(x):
    """For each entry the product of all others, without a division."""
    return _products_of_others(x.reshape(-1)).reshape(x.shape)
''',
        uses=("_products_of_others",),
    ),
    "_placed": Helper('''
def _placed(block, shape, index):
    """Zeros with a block in them."""
    whole = np.zeros(shape, np.result_type(block))
    whole[index] = block
    return whole
'''),
    "_expm": Helper(
        '''
def _expm(a):
    """The exponential of a matrix: Pade approximation of order 13, scaling and squaring.

    Al-Mohy and Higham, A New Scaling and Squaring Algorithm for the Matrix Exponential, 2009.
    """
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    squarings = _squarings(a, a4, a6)
    a, a2, a4, a6 = (m / 2.0 ** (squarings * k) for m, k in ((a, 1), (a2, 2), (a4, 4), (a6, 6)))
    one = np.eye(len(a), dtype=a.dtype)
    u = a6 @ (a6 + 16380.0 * a4 + 40840800.0 * a2) + 33522128640.0 * a6
    u = a @ (u + 10559470521600.0 * a4 + 1187353796428800.0 * a2 + 32382376266240000.0 * one)
    v = a6 @ (182.0 * a6 + 960960.0 * a4 + 1323241920.0 * a2) + 670442572800.0 * a6
    v = v + 129060195264000.0 * a4 + 7771770303897600.0 * a2 + 64764752532480000.0 * one
    e = np.linalg.solve(v - u, v + u)
    for _ in range(squarings):
        e = e @ e
    return e


def _squarings(a, a4, a6):
    """How often the exponential of a fraction of the matrix is squared."""
    size = max(np.abs(a4).sum(axis=0).max() ** 0.25, np.abs(a6).sum(axis=0).max() ** (1.0 / 6.0))
    count = max(0, math.ceil(math.log2(size / 4.25))) if size > 0.0 else 0
    # What the approximation leaves out is bounded by the 27th power of the absolute values.
    a = np.abs(a) / 2.0**count
    first = np.log2(a.sum(axis=0).max()) if a.any() else 0.0
    sums, order = np.ones(len(a), a.dtype), -first - math.log2(1.1325077560602111e35) + 53.0
    for _ in range(27):
        sums = sums @ a
        top = sums.max()
        if top == 0.0:
            return count
        sums, order = sums / top, order + np.log2(top)
    return count + max(0, math.ceil(order / 26.0))
''',
        imports=("math",),
    ),
    "_expm_frechet": Helper(
        '''
def _expm_frechet(a, e):
    """The derivative of expm at a along e: the upper right block of expm([[a, e], [0, a]]).

    It is linear in e, which is brought to the size of a first.
    """
    n, size = len(a), np.abs(e).max()
    scale = size / max(np.abs(a).max(), 1.0) if size > 0.0 else 1.0
    whole = _expm(np.block([[a, e / scale], [np.zeros_like(a), a]]))
    return scale * whole[:n, n:]
''',
        uses=("_expm",),
    ),
    "_norm": Helper('''
def _norm(x):
    """The Euclidean norm of all entries, without overflow or underflow."""
    top = np.max(np.abs(x))
    return top * np.linalg.norm(x / top) if top > 0.0 else top
'''),
    "_row_norms": Helper('''
def _row_norms(x):
    """The Euclidean norm along the last axis, without overflow or underflow."""
    top = np.max(np.abs(x), axis=-1)
    scale = np.where(top > 0.0, top, 1.0)
    return scale * np.linalg.norm(x / scale[..., None], axis=-1)
'''),
}
"""Helpers by name, in the order in which a module defines them."""


def helpers_needed(names: Iterable[str]) -> tuple[str, ...]:
    """These helpers and those that they call, in the order of definition."""
    needed: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        needed.add(name)
        stack.extend(HELPERS[name].uses)
    return tuple(name for name in HELPERS if name in needed)
