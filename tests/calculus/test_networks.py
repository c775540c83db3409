"""Random dense networks: every gradient against autograd.

A network is drawn once and written twice: in the problem language, and in autograd's NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from derive.calculus.chain_rule import derive
from derive.language import parse
from tests.tensor.evaluation import evaluate

pytestmark = pytest.mark.oracle

Array = Any


def _softplus(x: Array) -> Array:
    return anp.logaddexp(0.0, x)


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + anp.tanh(x / 2))


# Activations: in the language, and in autograd's NumPy.
ACTIVATIONS: Final[Mapping[str, tuple[str, Callable[[Array], Array]]]] = {
    "identity": ("{}", lambda x: x),
    "relu": ("relu({})", lambda x: anp.maximum(x, 0)),
    "tanh": ("tanh({})", anp.tanh),
    "sigmoid": ("sigmoid({})", _sigmoid),
    "softplus": ("softplus({})", _softplus),
    "silu": ("silu({})", lambda x: x * _sigmoid(x)),
    "mish": ("mish({})", lambda x: x * anp.tanh(_softplus(x))),
    "leaky": ("leaky_relu({}, 1/5)", lambda x: anp.where(x > 0, x, x / 5)),
    "elu": ("elu({})", lambda x: anp.where(x > 0, x, anp.exp(anp.minimum(x, 0)) - 1)),
    "selu": (
        "selu({})",
        lambda x: (
            1.0507009873554805
            * anp.where(x > 0, x, 1.6732632423543772 * (anp.exp(anp.minimum(x, 0)) - 1))
        ),
    ),
    "gelu_tanh": (
        "gelu_tanh({})",
        lambda x: x * (1 + anp.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    ),
    "sin": ("sin({})", anp.sin),
    "clip": ("clip({}, -1, 1/2)", lambda x: anp.minimum(anp.maximum(x, -1.0), 0.5)),
}


def _normalised(z: Array, axis: int) -> Array:
    shifted = z - anp.max(z, axis=axis, keepdims=True)
    return shifted - anp.log(anp.sum(anp.exp(shifted), axis=axis, keepdims=True))


def _bce(p: Array, y: Array) -> Array:
    return -anp.mean(y * anp.log(p) + (1 - y) * anp.log(1 - p))


def _huber(r: Array) -> Array:
    size = anp.abs(r)
    return anp.sum(anp.where(size < 1, r**2 / 2, size - 0.5))


# Losses of the last z: in the language; in autograd's NumPy, with the axis of one example.
LOSSES: Final[Mapping[str, tuple[str, Callable[[Array, Array, int], Array]]]] = {
    "squares": ("norm2({z} - Y)^2/2", lambda z, y, axis: anp.sum((z - y) ** 2) / 2),
    "norm": ("norm2({z} - Y)", lambda z, y, axis: anp.sqrt(anp.sum((z - y) ** 2))),
    "mse": ("mse({z}, Y)", lambda z, y, axis: anp.mean((z - y) ** 2)),
    "mae": ("mae({z}, Y)", lambda z, y, axis: anp.mean(anp.abs(z - y))),
    "huber": ("huber({z} - Y, 1)", lambda z, y, axis: _huber(z - y)),
    "bce": ("bce(sigmoid({z}), Y)", lambda z, y, axis: _bce(_sigmoid(z), y)),
    "logits": (
        "bce_with_logits({z}, Y)",
        lambda z, y, axis: anp.mean(_softplus(z) - y * z),
    ),
    "classes": (
        "cross_entropy({softmax}, Y)",
        lambda z, y, axis: -anp.sum(y * _normalised(z, axis)),
    ),
    "log classes": (
        "-sum(Y .* {log_softmax})",
        lambda z, y, axis: -anp.sum(y * _normalised(z, axis)),
    ),
}

BATCHES: Final = ("none", "columns", "rows", "rows, bias transposed")


@dataclass(frozen=True)
class Network:
    """One draw: widths, activations, a loss, and how examples lie in memory."""

    batch: str
    examples: int
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str

    @property
    def by_rows(self) -> bool:
        return self.batch.startswith("rows")

    @property
    def axis(self) -> int:
        """The axis along which the outputs of one example lie."""
        return 1 if self.by_rows else 0

    def shape(self, width: int) -> tuple[int, ...]:
        if self.batch == "none":
            return (width,)
        return (self.examples, width) if self.by_rows else (width, self.examples)

    def weight(self, layer: int) -> tuple[int, int]:
        before, after = self.widths[layer - 1], self.widths[layer]
        return (before, after) if self.by_rows else (after, before)

    def bias(self, layer: int) -> tuple[int, ...]:
        width = self.widths[layer]
        return (1, width) if self.batch == "rows" else (width,)

    @property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        layers = range(1, len(self.widths))
        return {f"W{k}": self.weight(k) for k in layers} | {f"b{k}": self.bias(k) for k in layers}

    def written(self) -> str:
        """The network in the problem language."""
        facts = " probability" if self.loss == "classes" and self._labels_are_rows else ""
        lines = [f"X : {_shape_text(self.shape(self.widths[0]))}"]
        lines.append(f"Y : {_shape_text(self.shape(self.widths[-1]))}{facts}")
        lines += [f"{name} : {_shape_text(shape)}" for name, shape in self.parameters.items()]
        last = "X"
        for layer, activation in enumerate(self.activations, 1):
            bias = f"b{layer}'" if self.batch.endswith("transposed") else f"b{layer}"
            product = f"{last}*W{layer}" if self.by_rows else f"W{layer}*{last}"
            lines.append(f"Z{layer} = {product} + {bias}")
            last = f"A{layer}"
            lines.append(f"{last} = {ACTIVATIONS[activation][0].format(f'Z{layer}')}")
        lines.append(f"J = {self._loss_text(last)}")
        lines.append(f"grad J wrt {', '.join([*self.parameters, 'X'])}")
        return "\n".join(lines)

    @property
    def _labels_are_rows(self) -> bool:
        """Whether a probability vector is what a declaration means: a column, or a row each."""
        return self.batch != "columns"

    def _loss_text(self, last: str) -> str:
        words = {"z": last}
        for name in ("softmax", "log_softmax"):
            words[name] = {
                "none": f"{name}({last})",
                "columns": f"row{name}({last}')'",
            }.get(self.batch, f"row{name}({last})")
        return LOSSES[self.loss][0].format(**words)

    def value(self, values: Mapping[str, Array]) -> Array:
        """The loss in autograd's NumPy."""
        a = values["X"]
        for layer, activation in enumerate(self.activations, 1):
            bias = values[f"b{layer}"]
            if self.batch == "columns":
                bias = anp.reshape(bias, (-1, 1))
            weight = values[f"W{layer}"]
            z = (anp.dot(a, weight) if self.by_rows else anp.dot(weight, a)) + bias
            a = ACTIVATIONS[activation][1](z)
        return LOSSES[self.loss][1](a, values["Y"], self.axis)

    def point(self, rng: np.random.Generator) -> dict[str, Array]:
        shapes = {"X": self.shape(self.widths[0]), **self.parameters}
        values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        labels = rng.uniform(0.1, 0.9, size=self.shape(self.widths[-1]))
        if "classes" in self.loss:
            labels = labels / labels.sum(axis=self.axis, keepdims=True)
        return {**values, "Y": labels}


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def drawn(rng: np.random.Generator) -> Network:
    depth = int(rng.integers(1, 7))
    widths = tuple(int(w) for w in rng.integers(1, 5, size=depth + 1))
    hidden = [str(name) for name in rng.choice(list(ACTIVATIONS), size=depth)]
    hidden[-1] = "identity" if rng.random() < 0.7 else hidden[-1]
    return Network(
        str(rng.choice(BATCHES)),
        int(rng.integers(1, 5)),
        widths,
        tuple(hidden),
        str(rng.choice(list(LOSSES))),
    )


def check(network: Network, rng: np.random.Generator) -> None:
    derivation = derive(parse(network.written()))
    values = network.point(rng)
    expected = grad(network.value)(values)
    for result in derivation.results:
        got = evaluate(result.gradient, values)
        wanted = np.asarray(expected[result.wrt])
        scale = max(1e-8, float(np.abs(wanted).max()))
        np.testing.assert_allclose(
            got.reshape(wanted.shape) / scale,
            wanted / scale,
            atol=1e-9,
            err_msg=f"gradient with respect to {result.wrt} of\n{network.written()}",
        )


@pytest.mark.parametrize("number", range(60))
def test_random_network(number: int, seed: int) -> None:
    rng = np.random.default_rng([seed, number])
    check(drawn(rng), rng)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation(activation: str, rng: np.random.Generator) -> None:
    check(Network("rows", 3, (2, 4, 1), (activation, "identity"), "squares"), rng)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss(loss: str, batch: str, rng: np.random.Generator) -> None:
    for widths in ((2, 3), (3, 1), (1, 1)):
        for examples in (4, 1):
            check(Network(batch, examples, widths, ("identity",), loss), rng)


def test_a_wrong_gradient_would_be_caught(rng: np.random.Generator) -> None:
    network = Network("columns", 3, (2, 3, 1), ("tanh", "identity"), "mse")
    (result, *_) = derive(parse(network.written())).results
    values = network.point(rng)
    wanted = grad(network.value)(values)[result.wrt]
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(evaluate(result.gradient, values) * 1.0005, wanted, rtol=1e-9)
