"""Problem files for dense networks, written out layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from derive.errors import InputError, suggest
from derive.vocabulary import FUNCTIONS

__all__ = ["BATCHES", "HEADS", "network_problem"]

HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("mse", "sse", "mae"),
    "sigmoid": ("bce", "mse", "sse"),
    "softmax": ("cross_entropy",),
}
"""What the last layer may be, and the losses that go with it."""

BATCHES: Final[Mapping[str, str]] = {
    "columns": "m examples, a column each",
    "rows": "m examples, a row each",
    "none": "one example, a column vector",
}
"""How the examples lie, in words."""

LOSS_WORDS: Final[Mapping[str, str]] = {
    "mse": "mean squared error",
    "sse": "sum of squared errors",
    "mae": "mean absolute error",
    "bce": "binary cross-entropy",
    "cross_entropy": "cross-entropy",
}


def network_problem(
    layers: Sequence[int],
    hidden: str = "relu",
    head: str = "identity",
    loss: str = "mse",
    batch: str = "columns",
) -> str:
    """The text of a problem: a dense network, its loss, and every gradient asked for.

    Args:
        layers: Number of inputs, of units in each layer, of outputs; two numbers at least.
        hidden: Entrywise function of the layers inside.
        head: ``identity``, ``sigmoid`` or ``softmax``.
        loss: One that goes with the head: see :data:`HEADS`.
        batch: ``columns``, ``rows`` or ``none``: how the examples lie.

    Raises:
        InputError: A choice does not exist, or does not go with the others.

    >>> print(network_problem([3, 2], head="softmax", loss="cross_entropy", batch="none"))
    # A 3-2 network: softmax, cross-entropy; one example, a column vector.
    <BLANKLINE>
    x : (3)
    y : (2) probability
    <BLANKLINE>
    W1 : (2, 3)
    b1 : (2)
    <BLANKLINE>
    z1 = W1*x + b1
    p = softmax(z1)
    J = cross_entropy(p, y)
    <BLANKLINE>
    grad J wrt W1, b1
    <BLANKLINE>
    """
    _check_layers(layers)
    entrywise = [name for name, f in FUNCTIONS.items() if f.signature is None and f.arity[0] == 1]
    _check_choice("hidden", hidden, entrywise)
    _check_choice("head", head, HEADS)
    _check_choice("batch", batch, BATCHES)
    _check_choice("loss", loss, LOSS_WORDS)
    if loss not in HEADS[head]:
        raise InputError(
            f"the loss {loss} does not go with the head {head}",
            (f"With {head} go: {', '.join(HEADS[head])}.",),
        )
    network = _Network(tuple(layers), hidden, head, loss, batch)
    blocks = (network.title(), network.data(), network.parameters(), network.formulas())
    asked = ", ".join(f"W{k}, b{k}" for k in range(network.depth, 0, -1))
    return "\n\n".join((*blocks, f"grad J wrt {asked}")) + "\n"


def _check_layers(layers: Sequence[int]) -> None:
    if len(layers) < 2 or any(width < 1 for width in layers):
        written = ",".join(str(width) for width in layers)
        raise InputError(
            f"layers are two positive numbers at least, got {written or 'none'}",
            ("Write inputs, units of each layer, outputs: 2,4,1",),
        )


def _check_choice(what: str, choice: str, known: Collection[str]) -> None:
    if choice not in known:
        advice = suggest(choice, known) or (f"Known are {', '.join(known)}.",)
        raise InputError(f"there is no {what} {choice}", advice)


@dataclass(frozen=True)
class _Network:
    """The parts of the text of one network."""

    layers: tuple[int, ...]
    hidden: str
    head: str
    loss: str
    batch: str

    @property
    def depth(self) -> int:
        """The number of layers with parameters."""
        return len(self.layers) - 1

    def letter(self, name: str) -> str:
        """A lower-case letter for one example, an upper-case one for many."""
        return name if self.batch == "none" else name.upper()

    def title(self) -> str:
        """The comment at the top."""
        widths = "-".join(str(width) for width in self.layers)
        inside = f"{self.hidden} inside, " if self.depth > 1 else ""
        words = f"{inside}{self.head}, {LOSS_WORDS[self.loss]}"
        return f"# A {widths} network: {words}; {BATCHES[self.batch]}."

    def data(self) -> str:
        """The declarations of inputs and targets."""
        lines = []
        for name, width in (("x", self.layers[0]), ("y", self.layers[-1])):
            as_rows = self.batch == "rows" or (name == "y" and self.head == "softmax")
            shape = f"(m, {width})" if as_rows else f"({width}, m)"
            fact = " probability" if name == "y" and self.head == "softmax" else ""
            if self.batch == "none":
                shape = f"({width})"
            elif self.batch == "columns" and as_rows:
                fact += "    # a row each"
            lines.append(f"{self.letter(name)} : {shape}{fact}")
        return "\n".join(lines)

    def parameters(self) -> str:
        """The declarations of weights and biases."""
        lines = []
        for k, (before, after) in enumerate(zip(self.layers, self.layers[1:], strict=False), 1):
            shape = f"({before}, {after})" if self.batch == "rows" else f"({after}, {before})"
            lines += [f"W{k} : {shape}", f"b{k} : ({after})"]
        return "\n".join(lines)

    def formulas(self) -> str:
        """The forward pass and the loss."""
        z, a = self.letter("z"), self.letter("a")
        lines, source = [], self.letter("x")
        for k in range(1, self.depth + 1):
            product = f"{source}*W{k} + b{k}'" if self.batch == "rows" else f"W{k}*{source} + b{k}"
            lines.append(f"{z}{k} = {product}")
            if k < self.depth:
                source = f"{a}{k}"
                lines.append(f"{source} = {self.hidden}({z}{k})")
        output = f"{z}{self.depth}"
        if self.head == "sigmoid":
            lines.append(f"{a}{self.depth} = sigmoid({output})")
            output = f"{a}{self.depth}"
        elif self.head == "softmax":
            argument = f"{output}'" if self.batch == "columns" else output
            softmax = "softmax" if self.batch == "none" else "rowsoftmax"
            output = self.letter("p")
            lines.append(f"{output} = {softmax}({argument})")
        return "\n".join((*lines, f"J = {self.value(output)}"))

    def value(self, output: str) -> str:
        """The loss of an output."""
        y = self.letter("y")
        if self.loss == "sse":
            return f"sse({output} - {y})"
        if self.loss == "cross_entropy" and self.batch != "none":
            return f"cross_entropy({output}, {y})/m"
        return f"{self.loss}({output}, {y})"
