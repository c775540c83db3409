"""RULES: the laws of differentiation, one row each.

Notation, here and in the printed notes:

    x, X     argument of a function             G        adjoint of its value
    v, Y     its value                          <A, B>   sum of A .* B over all entries

    E        second argument of a function

A contraction is differentiated by leaving each factor out in turn, a sum term by term; both are in
:mod:`derive.calculus.reverse`. What remains are the functions. An entrywise function has its scalar
derivative with respect to each argument, a formula in its arguments ``x, y, z`` and its value
``v``. A function of whole arrays says what it sends back to its arguments, in index notation; ``*``
stands for leading axes that the function leaves alone, and one letter for all axes of a reduction.
Repeated letters are summed. Names in it that are no functions of the language, ``deviation(X,E)``,
are those of :data:`derive.tensor.definitions.IN_LAWS`.

A law is right when <G, dY> = <X_bar, dX> for every G and every dX; ``tests/calculus/test_rules.py``
checks that for every row at points that are not symmetric, and fails for a row without a sample.

[PP12] is Petersen and Pedersen, The Matrix Cookbook, version of 15 November 2012.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

import sympy

__all__ = ["RULES", "ArrayRule", "EntrywiseRule", "IndexedFactor", "IndexedTerm"]

X, Y, Z, V = sympy.symbols("x y z v", real=True)


@dataclass(frozen=True)
class EntrywiseRule:
    """The scalar derivative of an entrywise function.

    Attributes:
        derivatives: One formula for each argument, in ``x, y, z`` (arguments) and ``v`` (value).
        statement: As a lecturer says it, mathematics between dollar signs.
        source: Where a reader can look it up.
        domain: Where it holds.
        kink: The value given to the derivative where there is none.
    """

    derivatives: tuple[str, ...]
    statement: str
    source: str = "definition"
    domain: str = "everywhere"
    kink: str = ""

    @cached_property
    def formulas(self) -> tuple[Any, ...]:
        """The derivatives as SymPy formulas; functions of the language are undefined functions."""
        return tuple(_formula(text) for text in self.derivatives)

    @property
    def uses_value(self) -> bool:
        """Whether a derivative is written with the function's value."""
        return any(re.search(r"\bv\b", text) for text in self.derivatives)


@dataclass(frozen=True, slots=True)
class IndexedFactor:
    """``Y[*a]``, ``inverse(X)[b,a]`` or ``count(X,Y)^-1`` in a law.

    Attributes:
        function: What is taken of the arguments; empty for an argument itself.
        arguments: Names among ``X, Y, E, G``; one with ``'`` behind it is transposed.
        power: Power of its entries.
        leading: Whether the leading axes are its first ones.
        letters: Letters of its other axes.
    """

    function: str
    arguments: tuple[str, ...]
    power: Fraction
    leading: bool
    letters: str


@dataclass(frozen=True, slots=True)
class IndexedTerm:
    """One term of a law: a coefficient and factors."""

    coefficient: Fraction
    factors: tuple[IndexedFactor, ...]


@dataclass(frozen=True)
class ArrayRule:
    """What a function of whole arrays sends back to its arguments.

    Attributes:
        adjoint: X_bar in index notation over ``G``, ``Y``, ``X`` and ``E``; empty where no law is
            known.
        axes: Letters of X_bar's own axes, behind the leading ones.
        statement: The differential, as a lecturer writes it, between dollar signs.
        source: Where a reader can look it up.
        domain: What must hold at the point.
        proof: Why, one line an equality, for readers who want every step.
        second: E_bar, for functions of two arguments; a scalar, or over the letters of ``axes``.
        reduces: Whether all axes that the value lacks are reduced; ``axes`` is one letter then.
        kink: The value given to the derivative where there is none.
    """

    adjoint: str
    axes: str
    statement: str
    source: str
    domain: str = "everywhere"
    proof: tuple[str, ...] = ()
    second: str = ""
    reduces: bool = False
    kink: str = ""

    @cached_property
    def terms(self) -> tuple[IndexedTerm, ...]:
        """The adjoint taken apart."""
        return _terms(self.adjoint)

    @cached_property
    def second_terms(self) -> tuple[IndexedTerm, ...]:
        """The adjoint of the second argument taken apart."""
        return _terms(self.second)

    @property
    def uses_value(self) -> bool:
        """Whether the adjoint is written with the function's value."""
        return any("Y" in factor.arguments for term in self.terms for factor in term.factors)


FACTOR = re.compile(r"(?:(\w+)\()?([XYEG]'?(?:,[XYEG]'?)*)\)?(?:\[(\*?)([a-z,]*)\])?(?:\^(-?\d+))?")
COEFFICIENT = re.compile(r"([-+]?)\s*(\d+(?:/\d+)?)?\s*(.*)")


def _terms(text: str) -> tuple[IndexedTerm, ...]:
    return tuple(map(_term, re.split(r"\s+(?=[-+]\s)", text))) if text else ()


def _term(text: str) -> IndexedTerm:
    match = COEFFICIENT.fullmatch(text)
    assert match is not None
    sign, size, rest = match.groups()
    factors = tuple(
        IndexedFactor(
            function,
            tuple(names.split(",")),
            Fraction(power or 1),
            bool(star),
            letters.replace(",", ""),
        )
        for function, names, star, letters, power in FACTOR.findall(rest)
    )
    return IndexedTerm(Fraction(size or 1) * (-1 if sign == "-" else 1), factors)


FUNCTION_NAMES: Final = tuple("gt lt ge le where sigmoid softplus clip heaviside power".split())


def _formula(text: str) -> Any:
    names: dict[str, Any] = {name: sympy.Function(name) for name in FUNCTION_NAMES}
    names |= {"x": X, "y": Y, "z": Z, "v": V}
    return sympy.parse_expr(text, local_dict=names)


def _smooth(derivative: str, statement: str, domain: str = "everywhere") -> EntrywiseRule:
    return EntrywiseRule((derivative,), statement, "scalar calculus", domain)


ENTRYWISE: Final[Mapping[str, EntrywiseRule]] = {
    "exp": _smooth("v", "$exp′(x) = exp(x)$"),
    "log": _smooth("1/x", "$log′(x) = 1/x$", "x > 0"),
    "log1p": _smooth("1/(1 + x)", "$log1p′(x) = 1/(1 + x)$", "x > -1"),
    "abs": EntrywiseRule(("sign(x)",), "$|x|′ = sign(x)$", kink="$|x|′$ at 0 is 0"),
    "sign": EntrywiseRule(("0",), "$sign$ is constant on either side of 0", kink="$sign′(0)$ is 0"),
    "heaviside": EntrywiseRule(
        ("0",), "$heaviside$ is constant on either side of 0", kink="$heaviside′(0)$ is 0"
    ),
    "sin": _smooth("cos(x)", "$sin′(x) = cos(x)$"),
    "cos": _smooth("-sin(x)", "$cos′(x) = −sin(x)$"),
    "tan": _smooth("1 + v**2", "$tan′(x) = 1 + tan²(x)$", "x is no odd multiple of pi/2"),
    "asin": _smooth("(1 - x**2)**Rational(-1, 2)", "$asin′(x) = 1/√(1 − x²)$", "|x| < 1"),
    "acos": _smooth("-(1 - x**2)**Rational(-1, 2)", "$acos′(x) = −1/√(1 − x²)$", "|x| < 1"),
    "atan": _smooth("1/(1 + x**2)", "$atan′(x) = 1/(1 + x²)$"),
    "sinh": _smooth("cosh(x)", "$sinh′(x) = cosh(x)$"),
    "cosh": _smooth("sinh(x)", "$cosh′(x) = sinh(x)$"),
    "tanh": _smooth("1 - v**2", "$tanh′(x) = 1 − tanh²(x)$"),
    "erf": _smooth("2/sqrt(pi)*exp(-x**2)", "$erf′(x) = (2/√π) exp(−x²)$"),
    "sigmoid": _smooth("v*(1 - v)", "$σ′(x) = σ(x) (1 − σ(x))$"),
    "softplus": _smooth("sigmoid(x)", "$softplus′(x) = σ(x)$"),
    "relu": EntrywiseRule(("gt(x, 0)",), "$relu′(x) = 1[x > 0]$", kink="$relu′(0)$ is 0"),
    "selu": EntrywiseRule(
        (
            "where(gt(x, 0), Rational('1.0507009873554804934193349852946'), "
            "v + Rational('1.7580993408473768599402175208123'))",
        ),
        "$selu′(x) = λ$ above 0, $selu(x) + λα$ below",
        "Klambauer et al., Self-Normalizing Neural Networks, 2017",
        kink="$selu′(0)$ is $λα$",
    ),
    "gelu": _smooth(
        "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)", "$gelu′(x) = Φ(x) + x φ(x)$"
    ),
    "gelu_tanh": _smooth(
        "(1 + tanh(sqrt(2/pi)*(x + Rational(44715, 1000000)*x**3)))/2"
        " + x*(1 - tanh(sqrt(2/pi)*(x + Rational(44715, 1000000)*x**3))**2)"
        "*sqrt(2/pi)*(1 + Rational(134145, 1000000)*x**2)/2",
        "$gelu_tanh′(x) = (1 + t)/2 + x (1 − t²) u′/2$, "
        "$t = tanh(u)$, $u = √(2/π) (x + 0.044715 x³)$",
    ),
    "silu": _smooth("v + sigmoid(x)*(1 - v)", "$silu′(x) = silu(x) + σ(x) (1 − silu(x))$"),
    "mish": _smooth(
        "tanh(softplus(x)) + x*sigmoid(x)*(1 - tanh(softplus(x))**2)",
        "$mish′(x) = t + x σ(x) (1 − t²)$, with $t = tanh(softplus(x))$",
    ),
    "leaky_relu": EntrywiseRule(
        ("where(gt(x, 0), 1, y)", "where(gt(x, 0), 0, x)"),
        "$leaky_relu′(x) = 1$ above 0, the slope below",
        kink="$leaky_relu′(0)$ is the slope",
    ),
    "elu": EntrywiseRule(
        ("where(gt(x, 0), 1, v + y)", "where(gt(x, 0), 0, exp(x) - 1)"),
        "$elu′(x) = 1$ above 0, $elu(x) + α$ below",
        kink="$elu′(0)$ is $α$",
    ),
    "max": EntrywiseRule(
        ("heaviside(x - y)", "heaviside(y - x)"),
        "$max′$ is 1 for the larger argument",
        kink="at a tie each gets $1/2$",
    ),
    "min": EntrywiseRule(
        ("heaviside(y - x)", "heaviside(x - y)"),
        "$min′$ is 1 for the smaller argument",
        kink="at a tie each gets $1/2$",
    ),
    "clip": EntrywiseRule(
        ("gt(x, y)*lt(x, z)", "le(x, y)", "ge(x, z)"),
        "$clip′$ is 1 between the bounds (the lower below the upper), 0 outside",
        kink="$clip′$ at a bound is 0",
    ),
    "power": EntrywiseRule(
        ("y*power(x, y - 1)", "v*log(x)"), "$(xᶜ)′ = c xᶜ⁻¹$", "scalar calculus", "x > 0"
    ),
    "where": EntrywiseRule(
        ("0", "where(x, 1, 0)", "where(x, 0, 1)"),
        "where passes the derivative of the branch taken",
        kink="the condition counts as constant",
    ),
    "huber": EntrywiseRule(
        ("clip(x, -y, y)", "where(gt(abs(x), y), abs(x) - y, 0)"),
        "$huber′(r) = r$ inside $δ$, $δ sign(r)$ outside",
        "Huber, Robust Estimation of a Location Parameter, 1964",
        "delta > 0",
    ),
} | {
    comparison: EntrywiseRule(
        ("0", "0"), "an indicator is constant away from its threshold", kink="there it is 0"
    )
    for comparison in ("lt", "le", "gt", "ge")
}

ARRAYS: Final[Mapping[str, ArrayRule]] = {
    "inverse": ArrayRule(
        "- Y[i,a] G[i,j] Y[b,j]",
        "ab",
        "$dX⁻¹ = −X⁻¹ dX X⁻¹$",
        "[PP12] (40)",
        "X invertible",
        (
            "$X⁻¹ X = I$, so $dX⁻¹ X + X⁻¹ dX = 0$, so $dX⁻¹ = −X⁻¹ dX X⁻¹$",
            "$⟨Ȳ, −Y dX Y⟩ = ⟨−Yᵀ Ȳ Yᵀ, dX⟩$ with $Y = X⁻¹$",
        ),
    ),
    "det": ArrayRule(
        "G[] Y[] inverse(X)[b,a]",
        "ab",
        "$d det X = det(X) tr(X⁻¹ dX)$",
        "Jacobi's formula, [PP12] (41)",
        "X invertible",
        (
            "$det X = Σ_j X[i,j] C[i,j]$ by cofactors, and $C[i,j]$ does not contain $X[i,j]$",
            "$∂ det X/∂X[i,j] = C[i,j] = det(X) X⁻¹[j,i]$",
        ),
    ),
    "logdet": ArrayRule(
        "G[] inverse(X)[b,a]",
        "ab",
        "$d log det X = tr(X⁻¹ dX)$",
        "[PP12] (43)",
        "det X > 0",
        ("$∂ log det X/∂X[i,j] = (∂ det X/∂X[i,j])/det X = X⁻¹[j,i]$",),
    ),
    "softmax": ArrayRule(
        "Y[*a] G[*a] - Y[*a] Y[*i] G[*i]",
        "a",
        "softmax: $∂p/∂z = diag(p) − p pᵀ$",
        "quotient rule on exp(z)/sum(exp(z))",
        "everywhere",
        (
            "$∂p[i]/∂z[j] = ∂/∂z[j] (exp(z[i])/Σ_k exp(z[k]))$",
            "$= exp(z[i]) δ[i,j]/Σ_k exp(z[k]) − exp(z[i]) exp(z[j])/(Σ_k exp(z[k]))²$",
            "$= p[i] δ[i,j] − p[i] p[j]$",
        ),
    ),
    "log_softmax": ArrayRule(
        "G[*a] - softmax(X)[*a] G[*i]",
        "a",
        "log softmax: $∂l/∂z = I − 1 softmax(z)ᵀ$",
        "l = z − logsumexp(z)",
        "everywhere",
        (
            "$l[i] = z[i] − log Σ_k exp(z[k])$",
            "$∂l[i]/∂z[j] = δ[i,j] − exp(z[j])/Σ_k exp(z[k]) = δ[i,j] − softmax(z)[j]$",
        ),
    ),
    "logsumexp": ArrayRule(
        "G[*] softmax(X)[*a]",
        "a",
        "logsumexp: $∂/∂z = softmax(z)$",
        "chain rule on log(sum(exp(z)))",
        "everywhere",
        ("$∂/∂z[j] log Σ_k exp(z[k]) = exp(z[j])/Σ_k exp(z[k]) = softmax(z)[j]$",),
    ),
    "prod": ArrayRule(
        "G[*] Y[*] X[*a]^-1",
        "a",
        "$d prod(x) = prod(x) Σ dx[i]/x[i]$; at a 0, the product of the others",
        "product rule",
        "no entry is 0; at a 0 it is the product of the other entries",
        ("$∂/∂x[j] Π_i x[i] = Π_{i≠j} x[i] = (Π_i x[i])/x[j]$",),
        reduces=True,
    ),
    "amax": ArrayRule(
        "G[*] largest(X,Y)[*a]",
        "a",
        "$d max(x)$ = the change of the largest entry",
        "max(x) = x[k] near the point, k the place of the largest entry",
        "everywhere",
        reduces=True,
        kink="at a tie the largest entries share equally",
    ),
    "amin": ArrayRule(
        "G[*] smallest(X,Y)[*a]",
        "a",
        "$d min(x)$ = the change of the smallest entry",
        "min(x) = x[k] near the point, k the place of the smallest entry",
        "everywhere",
        reduces=True,
        kink="at a tie the smallest entries share equally",
    ),
    "var": ArrayRule(
        "2 count(X,Y)^-1 G[*] centred(X,Y)[*a]",
        "a",
        "$d var(x) = (2/n) (x − mean(x))ᵀ dx$",
        "var(x) = mean((x − mean(x))²)",
        "everywhere",
        (
            "$d mean((x − m)²) = (2/n) Σ_i (x[i] − m) (dx[i] − dm)$, with $m = mean(x)$",
            "$Σ_i (x[i] − m) = 0$, so $dm$ drops out",
        ),
        reduces=True,
    ),
    "layernorm": ArrayRule(
        "deviation(X,E)[*]^-1 G[*a]"
        " - length(X)^-1 deviation(X,E)[*]^-1 G[*i]"
        " - length(X)^-1 deviation(X,E)[*]^-1 Y[*a] Y[*i] G[*i]",
        "a",
        "normalising: $∂y/∂x = (I − 1 1ᵀ/n − y yᵀ/n)/s$, "
        "$y$ the normalised value, $s$ the deviation",
        "Ba, Kiros and Hinton, Layer Normalization, 2016",
        "everywhere",
        (
            "$y[i] = (x[i] − m)/s$, with $m = mean(x)$, $s² = var(x) + ε$",
            "$∂m/∂x[j] = 1/n$ and $∂s/∂x[j] = (x[j] − m)/(n s) = y[j]/n$",
            "$∂y[i]/∂x[j] = (δ[i,j] − 1/n)/s − (x[i] − m)/s² y[j]/n$",
            "$= (δ[i,j] − 1/n − y[i] y[j]/n)/s$",
        ),
        second="- 1/2 deviation(X,E)[*]^-2 Y[*i] G[*i]",
    ),
    "rmsnorm": ArrayRule(
        "root_mean_square(X,E)[*]^-1 G[*a]"
        " - length(X)^-1 root_mean_square(X,E)[*]^-1 Y[*a] Y[*i] G[*i]",
        "a",
        "normalising: $∂y/∂x = (I − y yᵀ/n)/r$, $y$ the normalised value, $r$ the root mean square",
        "Zhang and Sennrich, Root Mean Square Layer Normalization, 2019",
        "everywhere",
        (
            "$y[i] = x[i]/r$, with $r² = mean(x²) + ε$",
            "$∂r/∂x[j] = x[j]/(n r) = y[j]/n$",
            "$∂y[i]/∂x[j] = δ[i,j]/r − x[i]/r² y[j]/n = (δ[i,j] − y[i] y[j]/n)/r$",
        ),
        second="- 1/2 root_mean_square(X,E)[*]^-2 Y[*i] G[*i]",
    ),
    "pinv": ArrayRule(
        "- Y[i,a] G[i,j] Y[b,j]"
        " + G[i,a] Y[i,j] Y[b,j] - X[a,k] Y[k,l] G[i,l] Y[i,j] Y[b,j]"
        " + Y[i,a] Y[i,j] G[b,j] - Y[i,a] Y[i,j] G[k,j] Y[k,l] X[l,b]",
        "ab",
        "$dX⁺ = −X⁺ dX X⁺ + X⁺X⁺ᵀ dXᵀ (I − XX⁺) + (I − X⁺X) dXᵀ X⁺ᵀX⁺$",
        "Golub and Pereyra, 1973, (4.12)",
        "the rank of X is the same around the point",
    ),
    "cholesky": ArrayRule(
        "1/2 inverse(Y)[i,a] Y[k,i] G[k,j] half_lower(X)[i,j] inverse(Y)[j,b]"
        " + 1/2 inverse(Y)[i,b] Y[k,i] G[k,j] half_lower(X)[i,j] inverse(Y)[j,a]",
        "ab",
        "$dL = L Φ(L⁻¹ dA L⁻ᵀ)$, $Φ$: the lower triangle, its diagonal halved",
        "Murray, Differentiation of the Cholesky decomposition, 2016",
        "X symmetric and positive definite",
        (
            "$dA = dL Lᵀ + L dLᵀ$, so $L⁻¹ dA L⁻ᵀ = L⁻¹ dL + (L⁻¹ dL)ᵀ$",
            "$L⁻¹ dL$ is lower triangular, so $L⁻¹ dL = Φ(L⁻¹ dA L⁻ᵀ)$",
            "$⟨L̄, L Φ(L⁻¹ dA L⁻ᵀ)⟩ = ⟨L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, dA⟩$, and $dA$ is symmetric",
        ),
    ),
    "expm": ArrayRule(
        "expm_frechet(X',G)[a,b]",
        "ab",
        "$d expm(A) = L(A, dA)$, the upper right block of $expm([A dA; 0 A])$",
        "Al-Mohy and Higham, 2009; Higham, Functions of Matrices, 2008, (3.16)",
        "everywhere",
        (
            "$L(A, dA) = Σ_k (1/k!) Σ_j A^j dA A^(k−1−j)$",
            "$⟨G, A^j dA A^l⟩ = ⟨(Aᵀ)^j G (Aᵀ)^l, dA⟩$, so $⟨G, L(A, dA)⟩ = ⟨L(Aᵀ, G), dA⟩$",
        ),
    ),
    "expm_frechet": ArrayRule(
        "",
        "ab",
        "$L(A, E)$ is linear in $E$",
        "Higham, Functions of Matrices, 2008, (3.16)",
        "with respect to its direction E only",
        second="expm_frechet(X',G)[a,b]",
    ),
}

RULES: Final[Mapping[str, EntrywiseRule | ArrayRule]] = {**ENTRYWISE, **ARRAYS}
"""Every function that has a law, by name."""
