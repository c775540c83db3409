"""A second oracle: the values and derivatives of a tree by JAX, in double precision.

What JAX has a function for is that function; where it stands on a kink it may choose another
derivative. Import fails where JAX is not installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import nn

from tests.oracle.oracle import REDUCTIONS, Evaluation, structured
from tests.oracle.tree import Node, Request, Task

__all__ = ["jax_reference"]

jax.config.update("jax_enable_x64", True)

Value = Any
Formula = Callable[..., Value]


def _total(x: Value) -> Value:
    return jnp.sum(x).reshape(1, 1)


def _mean(x: Value) -> Value:
    return jnp.mean(x).reshape(1, 1)


def _row(parameter: Value) -> Value:
    return parameter.reshape(1, -1)


def _column(parameter: Value) -> Value:
    return parameter.reshape(-1, 1)


def _standard(x: Value, axis: int, eps: Value) -> Value:
    return (x - x.mean(axis, keepdims=True)) / jnp.sqrt(x.var(axis, keepdims=True) + eps)


def _layer(turn: Formula, axis: int) -> Formula:
    def formula(x: Value, gamma: Value = 1.0, beta: Value = 0.0, eps: Value = 1e-5) -> Value:
        return turn(jnp.asarray(gamma)) * _standard(x, axis, eps) + turn(jnp.asarray(beta))

    return formula


def _root_mean_square(turn: Formula, axis: int) -> Formula:
    def formula(x: Value, gamma: Value = 1.0, eps: Value = 1e-5) -> Value:
        squares = jnp.mean(jnp.square(x), axis, keepdims=True)
        return turn(jnp.asarray(gamma)) * x * jax.lax.rsqrt(squares + eps)

    return formula


def _cross(p: Value, y: Value) -> Value:
    return -_total(y * jnp.log(p))


def _huber(r: Value, delta: Value) -> Value:
    inside = jnp.clip(r, -delta, delta)
    return _total(inside * (r - inside / 2))


def _frechet(a: Value, e: Value) -> Value:
    return jax.jvp(jsp.linalg.expm, (a,), (e,))[1]


def _matrix_power(matrix: Value, power: int) -> Value:
    return jnp.linalg.matrix_power(matrix, power)


FORMULAS: Final[Mapping[str, Formula]] = {
    **{name: getattr(jnp, name) for name in "exp log log1p sqrt square sin cos tan".split()},
    **{name: getattr(jnp, name) for name in "sinh cosh tanh abs tril triu kron transpose".split()},
    **{name: getattr(nn, name) for name in "sigmoid softplus relu selu silu mish".split()},
    "+": jnp.add,
    "-": jnp.subtract,
    ".*": jnp.multiply,
    "./": jnp.divide,
    "/": jnp.divide,
    ".^": jnp.power,
    "neg": jnp.negative,
    "'": jnp.transpose,
    "vector": lambda c: c,
    "matrix": lambda c: c,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "erf": jsp.special.erf,
    "logistic": nn.sigmoid,
    "gelu": lambda x: nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: nn.gelu(x, approximate=True),
    "leaky_relu": lambda x, slope=0.01: nn.leaky_relu(x, slope),
    "elu": lambda x, alpha=1.0: nn.elu(x, alpha),
    "sign": jnp.sign,
    "heaviside": lambda x: jnp.heaviside(x, 0.5),
    "max": jnp.maximum,
    "min": jnp.minimum,
    "clip": lambda x, low, high: jnp.minimum(jnp.maximum(x, low), high),
    "where": lambda test, x, y: jnp.where(test > 0.5, x, y),
    "<": lambda x, y: 1.0 * (x < y),
    "<=": lambda x, y: 1.0 * (x <= y),
    ">": lambda x, y: 1.0 * (x > y),
    ">=": lambda x, y: 1.0 * (x >= y),
    "sum": _total,
    "mean": _mean,
    "prod": lambda x: jnp.prod(x).reshape(1, 1),
    "amax": lambda x: jnp.max(x).reshape(1, 1),
    "amin": lambda x: jnp.min(x).reshape(1, 1),
    "var": lambda x: jnp.var(x).reshape(1, 1),
    **{
        f"{side}{name}": partial(getattr(jnp, name), axis=axis, keepdims=True)
        for side, axis in (("row", 1), ("col", 0))
        for name in ("sum", "mean", "max", "min", "var")
    },
    "tr": lambda x: jnp.trace(x).reshape(1, 1),
    "det": lambda x: jnp.linalg.det(x).reshape(1, 1),
    "logdet": lambda x: jnp.linalg.slogdet(x)[1].reshape(1, 1),
    "dot": lambda a, b: jnp.vdot(a, b).reshape(1, 1),
    "norm2": lambda x: jnp.sqrt(jnp.vdot(x, x)).reshape(1, 1),
    "norm": lambda x: jnp.sqrt(jnp.vdot(x, x)).reshape(1, 1),
    "norm1": lambda x: _total(jnp.abs(x)),
    "norminf": lambda x: jnp.max(jnp.abs(x)).reshape(1, 1),
    "logsumexp": lambda x: nn.logsumexp(x, axis=0, keepdims=True),
    "rowlogsumexp": lambda x: nn.logsumexp(x, axis=1, keepdims=True),
    "inv": jnp.linalg.inv,
    "pinv": jnp.linalg.pinv,
    "solve": jnp.linalg.solve,
    "cholesky": jnp.linalg.cholesky,
    "expm": jsp.linalg.expm,
    "expm_frechet": _frechet,
    "diag": lambda v: jnp.diag(v[:, 0]),
    "diagonal": lambda x: jnp.diagonal(x).reshape(-1, 1),
    "outer": lambda a, b: jnp.outer(a, b),
    "vec": lambda a: a.ravel(order="F").reshape(-1, 1),
    "hcat": lambda *parts: jnp.hstack(parts),
    "vcat": lambda *parts: jnp.vstack(parts),
    "softmax": lambda x: nn.softmax(x, axis=0),
    "log_softmax": lambda x: nn.log_softmax(x, axis=0),
    "rowsoftmax": lambda x: nn.softmax(x, axis=1),
    "rowlog_softmax": lambda x: nn.log_softmax(x, axis=1),
    "affine": lambda w, x, b: w @ x + b,
    "layernorm": _layer(_column, 0),
    "rowlayernorm": _layer(_row, 1),
    "batchnorm": _layer(_row, 0),
    "rmsnorm": _root_mean_square(_column, 0),
    "rowrmsnorm": _root_mean_square(_row, 1),
    "attention": lambda q, k, v: nn.softmax(q @ k.T / math.sqrt(q.shape[1]), axis=1) @ v,
    "sse": lambda r: jnp.vdot(r, r).reshape(1, 1),
    "huber": _huber,
    "cross_entropy": _cross,
    "softmax_cross_entropy": lambda z, y: -_total(y * nn.log_softmax(z, axis=0)),
    "rowsoftmax_cross_entropy": lambda z, y: -_total(y * nn.log_softmax(z, axis=1)),
    "nll": lambda logp, y: -_total(y * logp),
    "kl": lambda p, q: _total(p * jnp.log(p / q)),
    "mse": lambda a, y: _mean(jnp.square(a - y)),
    "mae": lambda a, y: _mean(jnp.abs(a - y)),
    "bce": lambda p, y: (_cross(p, y) + _cross(1 - p, 1 - y)) / p.size,
    "bce_with_logits": lambda z, y: -_mean(y * nn.log_sigmoid(z) + (1 - y) * nn.log_sigmoid(-z)),
    "hinge": lambda z, y: _mean(nn.relu(1 - y * z)),
}


class _Traced(Evaluation):
    """An evaluation in JAX's numbers; nothing is noted on the way."""

    def value(self, node: Node) -> Value:
        if node.op in ("name", "commutation") or not node.args:
            return super().value(node)
        args = [jnp.asarray(self.value(arg)) for arg in node.args]
        if node.op == "*":
            scaled = any(arg.shape == (1, 1) for arg in node.args)
            return args[0] * args[1] if scaled else args[0] @ args[1]
        if node.op == "^":
            if node.args[0].shape == (1, 1):
                return jnp.power(args[0], args[1])
            return _matrix_power(args[0], round(float(args[1][0, 0])))
        if node.op == "[]":
            return args[0][self.block(node)]
        if node.op == "unvec":
            return args[0].reshape(tuple(map(self.size, node.shape)), order="F")
        op = REDUCTIONS.get(node.op, node.op) if len(args) == 1 else node.op
        return FORMULAS[op](*args)


def jax_reference(
    task: Task, request: Request, values: Mapping[str, Any], sizes: Mapping[str, int]
) -> tuple[Any, dict[str, Any]]:
    """The value and the derivatives, as those of the oracle by autograd."""
    of = Evaluation(values, sizes)
    extents = {name: tuple(map(of.size, task.shapes[name])) for name in request.wrt}
    start = {name: jnp.zeros(rows * columns) for name, (rows, columns) in extents.items()}

    def value(vecs: Mapping[str, Value]) -> Value:
        shift = {name: vecs[name].reshape(extents[name], order="F") for name in extents}
        seen = _Traced({n: jnp.asarray(v) + shift.get(n, 0.0) for n, v in values.items()}, sizes)
        for name, node in task.definitions:
            seen.values[name] = seen.value(node) + shift.get(name, 0.0)
        return jnp.asarray(seen.value(request.of))

    def scalar(vecs: Mapping[str, Value]) -> Value:
        return jnp.sum(value(vecs))

    if request.kind == "jacobian":
        found = jax.jacrev(lambda vecs: value(vecs).ravel(order="F"))(start)
        return value(start), {name: np.asarray(matrix) for name, matrix in found.items()}
    if request.kind == "hessian":
        blocks = jax.jacfwd(jax.grad(scalar))(start)
        pairs = [(by, name) for by in extents for name in extents]
        return value(start), {f"{by}, {n}": np.asarray(blocks[by][n]) for by, n in pairs}
    facts = {variable.name: variable.facts for variable in task.variables}
    gradients = {
        name: structured(np.reshape(vec, extents[name], order="F"), facts.get(name, ()))
        for name, vec in jax.grad(scalar)(start).items()
    }
    return value(start), gradients
