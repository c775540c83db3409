"""Every function of the language: its shape, how it is read, printed and read again, sizes of 1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
import pytest

import derive
from derive.emit.text import LANGUAGE, UNICODE, text
from derive.errors import InputError
from derive.language import parse, parse_expression
from derive.notation.expression import Expr, oriented
from derive.notation.raising import raised
from derive.notation.transcription import transcribed
from derive.problem import Problem
from derive.shapes import as_dim, shape_of_extent, shape_text
from derive.tensor.lowering import is_row, lower, tensor_shape
from derive.tensor.nodes import Variable
from derive.verify.evaluation import evaluate
from derive.vocabulary import COMPARISONS, FUNCTIONS, REDUCTIONS, Expression, extent_of

LANGUAGE_PAGE: Final = """
exp log log1p sqrt abs sign square sin cos tan asin acos atan sinh cosh tanh erf sigmoid softplus
relu leaky_relu elu selu gelu gelu_tanh silu mish heaviside max min clip where
sum mean prod max min rowsum rowmean rowmax rowmin colsum colmean colmax colmin
logsumexp rowlogsumexp tr det logdet dot norm2 norm norm1 norminf
inv pinv transpose diag diagonal vec kron outer solve cholesky expm tril triu hcat vcat
softmax rowsoftmax log_softmax rowlog_softmax
affine layernorm rowlayernorm batchnorm rmsnorm attention
sse huber cross_entropy softmax_cross_entropy rowsoftmax_cross_entropy nll kl
mse mae bce bce_with_logits hinge logistic
"""
"""The functions that LANGUAGE names."""

ADDED: Final = "var rowvar colvar unvec expm_frechet rowrmsnorm commutation"
"""Functions that printed answers need."""

DECLARED: Final = """
A : (m, n)
B : (p, q)
C : (m, p)
D : (p, n)
S : (n, n)
T : (n, n) positive_definite
K : (k, n)
V : (k, q)
x : (n)
y : (n) probability
u : (m)
r : (1, n)
gamma : (n)
beta : (n)
c : ()
d : ()
grad c wrt c
"""

SIZES: Final = {"m": 3, "n": 2, "p": 4, "q": 5, "k": 6}

BY_DEFINITION: Final = "by its definition"
"""Said of functions whose definition tells more than their name."""

# call | shape | as the notes print it
SAMPLES: Final = """
exp(A) | (m, n) | exp(A)
log(A) | (m, n) | log A
log1p(A) | (m, n) | log1p(A)
sqrt(A) | (m, n) | sqrt(A)
abs(A) | (m, n) | |A|
sign(A) | (m, n) | sign(A)
square(x) | (n) | x²
sin(A) | (m, n) | sin(A)
cos(A) | (m, n) | cos(A)
tan(A) | (m, n) | tan(A)
asin(A) | (m, n) | asin(A)
acos(A) | (m, n) | acos(A)
atan(A) | (m, n) | atan(A)
sinh(A) | (m, n) | sinh(A)
cosh(A) | (m, n) | cosh(A)
tanh(A) | (m, n) | tanh(A)
erf(A) | (m, n) | erf(A)
sigmoid(A) | (m, n) | σ(A)
logistic(A) | (m, n) | σ(A)
softplus(A) | (m, n) | softplus(A)
relu(A) | (m, n) | relu(A)
leaky_relu(x, c) | (n) | leaky_relu(x, c)
leaky_relu(x) | (n) | leaky_relu(x, 0.01)
elu(x) | (n) | elu(x, 1)
selu(A) | (m, n) | selu(A)
gelu(A) | (m, n) | gelu(A)
gelu_tanh(A) | (m, n) | gelu_tanh(A)
silu(A) | (m, n) | silu(A)
mish(A) | (m, n) | mish(A)
heaviside(A) | (m, n) | heaviside(A)
max(x, y) | (n) | max(x, y)
max(A, c) | (m, n) | max(A, c)
max(A, r) | (m, n) | max(A, r)
min(x, y) | (n) | min(x, y)
clip(x, c, c + d) | (n) | clip(x, c, c + d)
where(x > c, x, y) | (n) | where(x > c, x, y)
sum(A) | () | sum(A)
mean(A) | () | mean(A)
prod(A) | () | prod(A)
max(A) | () | max(A)
min(A) | () | min(A)
var(A) | () | var(A)
rowsum(A) | (m) | rowsum(A)
rowmean(A) | (m) | rowmean(A)
rowmax(A) | (m) | rowmax(A)
rowmin(A) | (m) | rowmin(A)
rowvar(A) | (m) | rowvar(A)
colsum(A) | (1, n) | colsum(A)
colmean(A) | (1, n) | colmean(A)
colmax(A) | (1, n) | colmax(A)
colmin(A) | (1, n) | colmin(A)
colvar(A) | (1, n) | colvar(A)
logsumexp(x) | () | logsumexp(x)
rowlogsumexp(A) | (m) | rowlogsumexp(A)
tr(S) | () | tr(S)
det(S) | () | det(S)
logdet(T) | () | log det T
dot(A, A*S) | () | by its definition
norm2(A) | () | ‖A‖
norm(x) | () | ‖x‖
norm1(A) | () | ‖A‖₁
norminf(A) | () | ‖A‖∞
inv(S) | (n, n) | S⁻¹
pinv(A) | (n, m) | A⁺
pinv(A*S)' | (m, n) | (A S)⁺ᵀ
transpose(A) | (n, m) | Aᵀ
diag(x) | (n, n) | diag(x)
diagonal(S) | (n) | diagonal(S)
vec(A) | (m*n) | vec(A)
unvec(vec(A), m, n) | (m, n) | unvec(vec(A), m, n)
unvec(kron(x, u), m, n) | (m, n) | unvec(x ⊗ u, m, n)
commutation(m, n) | (m*n, m*n) | K(m,n)
kron(A, B) | (m*p, n*q) | A ⊗ B
kron(A, B)*kron(x, B') | (m*p, p) | (A ⊗ B) (x ⊗ Bᵀ)
kron(A, c) | (m, n) | A ⊗ c
outer(u, x) | (m, n) | by its definition
solve(S, x) | (n) | solve(S, x)
solve(S, A') | (n, m) | solve(S, Aᵀ)
cholesky(T) | (n, n) | cholesky(T)
expm(S) | (n, n) | expm(S)
expm_frechet(S, T) | (n, n) | expm_frechet(S, T)
tril(A) | (m, n) | tril(A)
triu(A) | (m, n) | triu(A)
hcat(A, C) | (m, n + p) | [A, C]
hcat(A, C, u, hcat(u, u)) | (m, n + p + 3) | [A, C, u, [u, u]]
vcat(A, D) | (m + p, n) | [A; D]
vcat(x, 1, y) | (2*n + 1) | [x; 1; y]
softmax(x) | (n) | softmax(x)
rowsoftmax(A) | (m, n) | rowsoftmax(A)
log_softmax(x) | (n) | log_softmax(x)
rowlog_softmax(A) | (m, n) | rowlog_softmax(A)
affine(A, x, u) | (m) | by its definition
affine(A, S, u) | (m, n) | by its definition
layernorm(x) | (n) | layernorm(x)
layernorm(x, c) | (n) | layernorm(x, c)
layernorm(x, gamma, r) | (n) | layernorm(x, γ, r)
layernorm(x, gamma, beta, 0.001) | (n) | layernorm(x, γ, β, 0.001)
rowlayernorm(A) | (m, n) | rowlayernorm(A)
rowlayernorm(A, gamma, beta', d) | (m, n) | rowlayernorm(A, γ, βᵀ, d)
batchnorm(A, r) | (m, n) | batchnorm(A, r)
batchnorm(A, gamma, beta) | (m, n) | batchnorm(A, γ, β)
batchnorm(A, gamma, 0, 0.01) | (m, n) | batchnorm(A, γ, 0, 0.01)
rmsnorm(x) | (n) | rmsnorm(x)
rmsnorm(x, gamma, c) | (n) | rmsnorm(x, γ, c)
rowrmsnorm(A, gamma) | (m, n) | rowrmsnorm(A, γ)
attention(A, K, V) | (m, q) | attention(A, K, V)
sse(x) | () | by its definition
huber(x, c) | () | huber(x, c)
cross_entropy(x, y) | () | by its definition
softmax_cross_entropy(x, y) | () | by its definition
rowsoftmax_cross_entropy(A, A) | () | by its definition
nll(x, y) | () | by its definition
kl(x, y) | () | by its definition
mse(x, y) | () | by its definition
mae(x, y) | () | by its definition
bce(x, x) | () | by its definition
bce_with_logits(x, x) | () | by its definition
hinge(x, y) | () | by its definition
A[0, -1] | () | A[0, −1]
A[0, :] | (1, n) | A[0, :]
A[:, 0] | (m) | A[:, 0]
A[-1, :]' | (n) | A[−1, :]ᵀ
x[0] | () | x[0]
x[n - 1]^2 | () | x[−1]²
r[0, 0] | () | r[0, 0]
(A*x)[0] | () | (A x)[0]
(A .* A)[0, :]*x | () | (A ⊙ A)[0, :] x
inv(S)[:, 0] | (n) | S⁻¹[:, 0]
exp(A)[0:1, :] | (1, n) | exp(A)[0, :]
vcat(A, D)[m:, :] | (p, n) | [A; D][m:, :]
vcat(A, D)[:m, -1] | (m) | [A; D][:m, −1]
hcat(A, C)[:, n:n + p] | (m, p) | [A, C][:, n:]
hcat(A, C, A)[0, n:n + p] | (1, p) | [A, C, A][0, n:n + p]
"""


def rows() -> list[tuple[str, str, str]]:
    """The samples, taken apart."""
    found = []
    for line in SAMPLES.strip().splitlines():
        call, shape, printed = (part.strip() for part in line.split(" | ", 2))
        found.append((call, shape, printed))
    return found


ROWS: Final = rows()
CALLS: Final = [call for call, _, _ in ROWS]


def problem(sizes: Mapping[str, int] | None = None) -> Problem:
    """The declared names, with numbers in place of their sizes if there are some."""
    return parse(with_sizes(DECLARED, sizes))


def with_sizes(page: str, sizes: Mapping[str, int] | None) -> str:
    """A text with numbers in place of sizes."""
    names = {name: str(size) for name, size in (sizes or {}).items()}
    return re.sub(r"\b[mnpqk]\b", lambda name: names.get(name.group(), name.group()), page)


SYMBOLIC: Final = problem()
ONES: Final = dict.fromkeys(SIZES, 1)
SINGLE: Final = problem(ONES)


def variables(known: Problem) -> dict[str, Variable]:
    """The tensors of the declared names."""
    shapes = {name: known.shape(name) for name in known.variables}
    return {
        name: Variable(name, tensor_shape(shape), known.facts(name), row=is_row(shape))
        for name, shape in shapes.items()
    }


def written(expression: Expression, known: Problem) -> Expr:
    """An expression in matrix notation: as it stands, or where a definition tells more, as that."""
    names = variables(known)
    found = transcribed(expression, names)
    if found is not None:
        return found
    return oriented(
        raised(lower(expression, names)), is_row(shape_of_extent(extent_of(expression)))
    )


def value(expression: Expression, known: Problem, sizes: Mapping[str, int], seed: int) -> object:
    """The value at a point inside every domain of the samples."""
    rng = np.random.default_rng(seed)
    point: dict[str, object] = dict(sizes)
    for name in known.variables:
        shape = [int(dim.subs({as_dim(n): size for n, size in sizes.items()}))
                 for dim in known.shape(name)]  # fmt: skip
        array = rng.uniform(0.1, 0.9, (*shape, 1, 1)[:2]) if shape else rng.uniform(0.1, 0.9)
        if name in "ST":
            array = array @ array.T + np.eye(len(array))
        point[name] = array
    found = evaluate(expression, point)
    assert np.all(np.isfinite(found))
    return found


def test_every_function_of_the_language_has_a_row() -> None:
    spoken = {*LANGUAGE_PAGE.split(), *ADDED.split()}
    assert spoken == FUNCTIONS.keys() - {*COMPARISONS.values(), *REDUCTIONS.values()}


def test_every_function_has_a_sample() -> None:
    spoken = {*LANGUAGE_PAGE.split(), *ADDED.split()}
    sampled = {name for call in CALLS for name in re.findall(r"(\w+)\(", call)}
    assert sampled == spoken
    with_one = {match for call in CALLS for match in re.findall(r"(max|min)\(\w\)", call)}
    assert with_one == {*REDUCTIONS}


@pytest.mark.parametrize(("call", "shape", "printed"), ROWS, ids=CALLS)
def test_shape_and_text(call: str, shape: str, printed: str) -> None:
    expression = parse_expression(call, SYMBOLIC)
    assert shape_text(shape_of_extent(extent_of(expression))) == shape
    names = transcribed(expression, variables(SYMBOLIC))
    assert printed == (BY_DEFINITION if names is None else text(names, UNICODE))


@pytest.mark.parametrize("call", CALLS)
def test_what_is_printed_is_read_again(call: str, seed: int) -> None:
    expression = parse_expression(call, SYMBOLIC)
    line = text(written(expression, SYMBOLIC), LANGUAGE)
    again = parse_expression(line, SYMBOLIC)
    assert extent_of(again) == extent_of(expression)
    shown = written(again, SYMBOLIC)
    assert text(shown, LANGUAGE) == line
    np.testing.assert_allclose(
        value(again, SYMBOLIC, SIZES, seed), value(expression, SYMBOLIC, SIZES, seed), rtol=1e-12
    )


KEPT: Final = [
    call for call, _, printed in ROWS if printed != BY_DEFINITION and not call.startswith("square")
]


@pytest.mark.parametrize("call", KEPT)
def test_what_is_printed_by_its_name_is_read_as_the_same_expression(call: str) -> None:
    expression = parse_expression(call, SYMBOLIC)
    line = text(written(expression, SYMBOLIC), LANGUAGE)
    assert parse_expression(line, SYMBOLIC) == expression


@pytest.mark.parametrize(
    ("call", "shape"),
    [(call, shape) for call, shape, _ in ROWS if not re.search(r"1:|n:|:m|m:", call)],
)
def test_sizes_of_one(call: str, shape: str, seed: int) -> None:
    single = with_sizes(call, ONES)
    expression = parse_expression(single, SINGLE)
    extent = extent_of(parse_expression(call, SYMBOLIC))
    one = {as_dim(name): 1 for name in SIZES}
    assert extent_of(expression) == tuple(dim.subs(one) for dim in extent)
    line = text(written(expression, SINGLE), LANGUAGE)
    again = parse_expression(line, SINGLE)
    np.testing.assert_allclose(
        value(again, SINGLE, {}, seed), value(expression, SINGLE, {}, seed), rtol=1e-12, atol=1e-15
    )


def calls(name: str, count: int) -> str:
    """A call with so many arguments."""
    return f"{name}({', '.join(['c'] * count)})"


@pytest.mark.parametrize("name", LANGUAGE_PAGE.split() + ADDED.split())
def test_the_number_of_arguments(name: str) -> None:
    function = FUNCTIONS[name]
    low, high = function.arity
    least = 1 if name in REDUCTIONS else low
    wrong = [least - 1] if least > 0 else []
    wrong += [] if function.joins else [high + 1]
    for count in wrong:
        message = f"takes {function.count}, got {count}"
        with pytest.raises(InputError, match=re.escape(message)):
            parse_expression(calls(name, count), SYMBOLIC)
        with pytest.raises(InputError, match=re.escape(message)):
            getattr(derive, name)(*[SYMBOLIC.symbol("c")] * count)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("kron(A)", "kron(A, B) takes 2 arguments, got 1"),
        ("vec(A, B)", "vec(A) takes 1 argument, got 2"),
        ("layernorm()", "layernorm(x, gamma, beta, eps) takes 1 to 4 arguments, got 0"),
        ("layernorm(A)", "layernorm takes a column vector (n), got (m, n)"),
        ("layernorm(x, u)",
         "layernorm takes a column vector (n), a row (1, n) or a scalar, got (m)"),
        ("rowlayernorm(A, S)",
         "rowlayernorm takes a column vector (n), a row (1, n) or a scalar, got (n, n)"),
        ("solve(A, x)", "solve takes a square matrix (n, n), got (m, n)"),
        ("solve(S, u)", "solve takes (n, k), got (m)"),
        ("attention(A, B, V)", "attention takes (n, d), got (p, q)"),
        ("hcat(A, x)", "hcat takes (m, k), got (n)"),
        ("hcat(A, C, x)", "hcat takes (m, k), got (n)"),
        ("vcat(A, A, B)", "vcat takes (k, n), got (p, q)"),
        ("cholesky(A)", "cholesky takes a square matrix (n, n), got (m, n)"),
        ("unvec(x, m, n)", "unvec takes a column vector (m*n), got (n)"),
    ],
)  # fmt: skip
def test_arguments_from_python_that_do_not_fit(call: str, message: str) -> None:
    name, arguments = re.fullmatch(r"(\w+)\((.*)\)", call).groups()  # type: ignore[union-attr]
    operands = [
        as_dim(word) if word in SIZES else SYMBOLIC.symbol(word)
        for word in arguments.split(", ")
        if word
    ]
    with pytest.raises(InputError) as failure:
        getattr(derive, name)(*operands)
    assert failure.value.summary.replace(", 1)", ")") == message.replace(", 1)", ")")


def test_a_size_is_no_array_and_an_argument_no_text() -> None:
    A, x, n = SYMBOLIC.symbol("A"), SYMBOLIC.symbol("x"), as_dim("n")
    with pytest.raises(InputError, match=r"unvec\(v, m, n\) takes a size as m"):
        derive.unvec(x, A, n)
    with pytest.raises(InputError, match=r"kron\(A, B\) takes SymPy expressions, got str"):
        derive.kron(A, "x")


def test_numbers_are_arguments() -> None:
    x = SYMBOLIC.symbol("x")
    assert derive.max(x, 0) == parse_expression("max(x, 0)", SYMBOLIC)
    assert derive.vcat(x, 1) == parse_expression("vcat(x, 1)", SYMBOLIC)
    assert derive.max(x) == parse_expression("max(x)", SYMBOLIC)


def test_many_arrays_are_joined() -> None:
    joined = parse_expression(f"hcat({', '.join(['A'] * 3000)})", SYMBOLIC)
    assert extent_of(joined) == (as_dim("m"), 3000 * as_dim("n"))
