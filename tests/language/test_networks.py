"""Problem files for dense networks: the text, and that each of them is a problem."""

from __future__ import annotations

import itertools
from importlib import resources

import pytest

from derive.errors import InputError
from derive.language import network_problem, parse
from derive.language.networks import BATCHES, HEADS
from derive.shapes import as_dim


def test_columns() -> None:
    assert (
        network_problem([2, 4, 1], "relu", "sigmoid", "bce", "columns")
        == """\
# A 2-4-1 network: relu inside, sigmoid, binary cross-entropy; m examples, a column each.

X : (2, m)
Y : (1, m)

W1 : (4, 2)
b1 : (4)
W2 : (1, 4)
b2 : (1)

Z1 = W1*X + b1
A1 = relu(Z1)
Z2 = W2*A1 + b2
A2 = sigmoid(Z2)
J = bce(A2, Y)

grad J wrt W2, b2, W1, b1
"""
    )


def test_rows() -> None:
    text = network_problem([2, 4, 3], "tanh", "softmax", "cross_entropy", "rows")
    assert "X : (m, 2)\nY : (m, 3) probability\n" in text
    assert "Z1 = X*W1 + b1'\nA1 = tanh(Z1)\nZ2 = A1*W2 + b2'\nP = rowsoftmax(Z2)\n" in text
    assert "J = cross_entropy(P, Y)/m\n" in text


def test_softmax_of_columns_is_taken_of_rows() -> None:
    text = network_problem([2, 4, 3], "tanh", "softmax", "cross_entropy", "columns")
    assert "X : (2, m)\nY : (m, 3) probability    # a row each\n" in text
    assert "P = rowsoftmax(Z2')\nJ = cross_entropy(P, Y)/m\n" in text


@pytest.mark.parametrize("layers", [[3, 2], [2, 4, 6, 1], [1, 1, 1]], ids=str)
@pytest.mark.parametrize(
    ("head", "loss"), [(head, loss) for head, losses in HEADS.items() for loss in losses]
)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_choice_is_a_problem(layers: list[int], head: str, loss: str, batch: str) -> None:
    problem = parse(network_problem(layers, "leaky_relu", head, loss, batch))
    assert problem.notes == ()
    assert problem.shape("J") == ()
    (request,) = problem.requests
    assert len(request.wrt) == 2 * (len(layers) - 1)
    first = (layers[0], layers[1]) if batch == "rows" else (layers[1], layers[0])
    assert problem.shape("W1") == first
    assert problem.sizes == (() if batch == "none" else ("m",))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"layers": [3]}, "layers are two positive numbers at least, got 3"),
        ({"layers": []}, "layers are two positive numbers at least, got none"),
        ({"layers": [2, 0, 1]}, "layers are two positive numbers at least, got 2,0,1"),
        ({"hidden": "rely"}, "there is no hidden rely\n  Did you mean relu?"),
        ({"hidden": "softmax"}, "there is no hidden softmax"),
        ({"head": "tanh"}, "there is no head tanh\n  Known are identity, sigmoid, softmax."),
        ({"batch": "column"}, "there is no batch column\n  Did you mean columns?"),
        ({"loss": "ce"}, "there is no loss ce"),
        (
            {"head": "sigmoid", "loss": "cross_entropy"},
            "the loss cross_entropy does not go with the head sigmoid\n"
            "  With sigmoid go: bce, mse, sse.",
        ),
    ],
)
def test_what_does_not_go_together(choices: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"layers": [2, 1], **choices}
    with pytest.raises(InputError) as failure:
        network_problem(**arguments)  # type: ignore[arg-type]
    assert str(failure.value).startswith(message)


EXAMPLES = {
    file.name.removesuffix(".derive"): file.read_text(encoding="utf-8")
    for file in resources.files("derive.examples").iterdir()
    if file.name.endswith(".derive")
}


def test_the_examples() -> None:
    assert sorted(EXAMPLES) == [
        "attention",
        "batchnorm",
        "circles",
        "circles_rows",
        "gaussian",
        "gaussian_process",
        "gelu_network",
        "heads",
        "infonce",
        "layernorm",
        "least_squares",
        "logistic",
        "lstm",
        "nested",
        "neuron",
        "poisson",
        "residual",
        "rmsnorm",
        "rules",
        "self_attention",
        "silu_network",
        "soft_kmeans",
        "softmax_regression",
        "testnet",
        "vae",
    ]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_declared_in_full(name: str) -> None:
    problem = parse(EXAMPLES[name])
    assert problem.notes == ()
    assert not any(variable.inferred for variable in problem.variables.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_opens_with_what_it_is(name: str) -> None:
    first, second, *_ = EXAMPLES[name].splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert second == ""


def test_the_circles_are_the_network_that_new_writes() -> None:
    layers = [2, 4, 6, 6, 4, 1]
    for name, batch in (("circles", "columns"), ("circles_rows", "rows")):
        written = network_problem(layers, "relu", "sigmoid", "bce", batch)
        assert EXAMPLES[name].splitlines()[1:] == written.splitlines()[1:]


def test_both_batches_of_the_circles_have_mirrored_shapes() -> None:
    columns, rows = parse(EXAMPLES["circles"]), parse(EXAMPLES["circles_rows"])
    for k in range(1, 6):
        assert columns.shape(f"W{k}") == rows.shape(f"W{k}")[::-1]
    assert columns.shape("Z1") == (4, as_dim("m"))
    assert rows.shape("Z1") == (as_dim("m"), 4)


def test_layers_of_one_unit_still_have_matrices() -> None:
    for head, batch in itertools.product(("identity", "sigmoid"), BATCHES):
        loss = HEADS[head][0]
        problem = parse(network_problem([1, 1], "relu", head, loss, batch))
        assert problem.shape("W1") == (1, 1)
        assert problem.shape("b1") == (1,)
