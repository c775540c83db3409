"""lstm: J and gradients.

Forward pass:

    zf = Wf x + Uf h0 + bf                                            (n,)
    f = σ(zf)                                                         (n,)
    zi = Wi x + Ui h0 + bi                                            (n,)
    i = σ(zi)                                                         (n,)
    zg = Wg x + Ug h0 + bg                                            (n,)
    g = tanh(zg)                                                      (n,)
    zo = Wo x + Uo h0 + bo                                            (n,)
    o = σ(zo)                                                         (n,)
    c = f ⊙ c0 + i ⊙ g                                                (n,)
    t = tanh(c)                                                       (n,)
    h = o ⊙ t                                                         (n,)
    J = ‖h − y‖² / 2                                                  ()

Gradients; each has the shape of its variable:

    ∂J/∂Wo = z̅o̅ xᵀ                                                    (n, d)
    ∂J/∂Uo = z̅o̅ h0ᵀ                                                   (n, n)
    ∂J/∂bo = z̅o̅                                                       (n,)
    ∂J/∂Wg = z̅g̅ xᵀ                                                    (n, d)
    ∂J/∂Ug = z̅g̅ h0ᵀ                                                   (n, n)
    ∂J/∂bg = z̅g̅                                                       (n,)
    ∂J/∂Wi = z̅i̅ xᵀ                                                    (n, d)
    ∂J/∂Ui = z̅i̅ h0ᵀ                                                   (n, n)
    ∂J/∂bi = z̅i̅                                                       (n,)
    ∂J/∂Wf = z̅f̅ xᵀ                                                    (n, d)
    ∂J/∂Uf = z̅f̅ h0ᵀ                                                   (n, n)
    ∂J/∂bf = z̅f̅                                                       (n,)
    ∂J/∂c0 = c̄ ⊙ f                                                    (n,)
    ∂J/∂h0 = Ufᵀ z̅f̅ + Ugᵀ z̅g̅ + Uiᵀ z̅i̅ + Uoᵀ z̅o̅                        (n,)

where v̄ is the gradient with respect to v:

    h̄ = h − y                                                         (n,)
    t̄ = h̄ ⊙ o                                                         (n,)
    c̄ = t̄ ⊙ (1 − t²)                                                  (n,)
    ō = h̄ ⊙ t                                                         (n,)
    z̅o̅ = ō ⊙ o ⊙ (1 − o)                                              (n,)
    ḡ = c̄ ⊙ i                                                         (n,)
    z̅g̅ = ḡ ⊙ (1 − g²)                                                 (n,)
    ī = c̄ ⊙ g                                                         (n,)
    z̅i̅ = ī ⊙ i ⊙ (1 − i)                                              (n,)
    f̄ = c̄ ⊙ c0                                                        (n,)
    z̅f̅ = f̄ ⊙ f ⊙ (1 − f)                                              (n,)

Arguments, by keyword: x (d,), h0 (n,), c0 (n,), y (n,), Wf (n, d), Uf (n, n), bf (n,), Wi (n, d),
Ui (n, n), bi (n,), Wg (n, d), Ug (n, n), bg (n,), Wo (n, d), Uo (n, n), bo (n,). A vector has one
axis, a matrix two, a scalar none. Their shapes are checked unless CHECK_SHAPES is False.

Checked: 25 steps and 14 gradients, each at 5 random points, seed 0: largest relative error 5e-13
(complex step), 7e-10 (central differences).
Checked: 15 functions, each at 3 random points, seed 0: largest relative error 2e-14 (complex
step).
"""

from typing import NamedTuple

import numpy as np

CHECK_SHAPES = True
SHAPES = {
    "x": ("d",),
    "h0": ("n",),
    "c0": ("n",),
    "y": ("n",),
    "Wf": ("n", "d"),
    "Uf": ("n", "n"),
    "bf": ("n",),
    "Wi": ("n", "d"),
    "Ui": ("n", "n"),
    "bi": ("n",),
    "Wg": ("n", "d"),
    "Ug": ("n", "n"),
    "bg": ("n",),
    "Wo": ("n", "d"),
    "Uo": ("n", "n"),
    "bo": ("n",),
}


class Gradients(NamedTuple):
    """Gradients of J, each in the shape of its variable."""

    Wo: np.ndarray  # (n, d)
    Uo: np.ndarray  # (n, n)
    bo: np.ndarray  # (n,)
    Wg: np.ndarray  # (n, d)
    Ug: np.ndarray  # (n, n)
    bg: np.ndarray  # (n,)
    Wi: np.ndarray  # (n, d)
    Ui: np.ndarray  # (n, n)
    bi: np.ndarray  # (n,)
    Wf: np.ndarray  # (n, d)
    Uf: np.ndarray  # (n, n)
    bf: np.ndarray  # (n,)
    c0: np.ndarray  # (n,)
    h0: np.ndarray  # (n,)


def value_and_grad_J(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """J and its gradients, each in the shape of its variable.

    x (d,), h0 (n,), c0 (n,), y (n,), Wf (n, d), Uf (n, n), bf (n,), Wi (n, d), Ui (n, n),
    bi (n,), Wg (n, d), Ug (n, n), bg (n,), Wo (n, d), Uo (n, n), bo (n,).
    """
    x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo = _arguments(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )

    zf = Uf @ h0 + Wf @ x + bf          # (n,)
    f = _sigmoid(zf)                    # (n,)
    zi = Ui @ h0 + Wi @ x + bi          # (n,)
    i = _sigmoid(zi)                    # (n,)
    zg = Ug @ h0 + Wg @ x + bg          # (n,)
    g = np.tanh(zg)                     # (n,)
    zo = Uo @ h0 + Wo @ x + bo          # (n,)
    o = _sigmoid(zo)                    # (n,)
    c = c0 * f + g * i                  # (n,)
    t = np.tanh(c)                      # (n,)
    h = o * t                           # (n,)
    h_bar = h - y                       # (n,)
    J = 0.5 * (h_bar @ h_bar)           # ()

    t_bar = h_bar * o                   # (n,)
    c_bar = t_bar * _sech(c) ** 2       # (n,)
    c0_bar = c_bar * f                  # (n,)
    o_bar = h_bar * t                   # (n,)
    zo_bar = o * o_bar * _sigmoid(-zo)  # (n,)
    Wo_bar = np.outer(zo_bar, x)        # (n, d)
    Uo_bar = np.outer(zo_bar, h0)       # (n, n)
    g_bar = c_bar * i                   # (n,)
    zg_bar = g_bar * _sech(zg) ** 2     # (n,)
    Wg_bar = np.outer(zg_bar, x)        # (n, d)
    Ug_bar = np.outer(zg_bar, h0)       # (n, n)
    i_bar = c_bar * g                   # (n,)
    zi_bar = i * i_bar * _sigmoid(-zi)  # (n,)
    Wi_bar = np.outer(zi_bar, x)        # (n, d)
    Ui_bar = np.outer(zi_bar, h0)       # (n, n)
    f_bar = c0 * c_bar                  # (n,)
    zf_bar = f * f_bar * _sigmoid(-zf)  # (n,)
    Wf_bar = np.outer(zf_bar, x)        # (n, d)
    Uf_bar = np.outer(zf_bar, h0)       # (n, n)
    h0_bar = zf_bar @ Uf + zg_bar @ Ug + zi_bar @ Ui + zo_bar @ Uo  # (n,)
    gradients = Gradients(
        Wo=Wo_bar,
        Uo=Uo_bar,
        bo=zo_bar,
        Wg=Wg_bar,
        Ug=Ug_bar,
        bg=zg_bar,
        Wi=Wi_bar,
        Ui=Ui_bar,
        bi=zi_bar,
        Wf=Wf_bar,
        Uf=Uf_bar,
        bf=zf_bar,
        c0=c0_bar,
        h0=h0_bar,
    )
    return J, gradients


def grad_J_Wo(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Wo, (n, d)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Wo


def grad_J_Uo(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Uo, (n, n)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Uo


def grad_J_bo(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to bo, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].bo


def grad_J_Wg(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Wg, (n, d)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Wg


def grad_J_Ug(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Ug, (n, n)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Ug


def grad_J_bg(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to bg, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].bg


def grad_J_Wi(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Wi, (n, d)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Wi


def grad_J_Ui(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Ui, (n, n)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Ui


def grad_J_bi(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to bi, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].bi


def grad_J_Wf(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Wf, (n, d)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Wf


def grad_J_Uf(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to Uf, (n, n)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].Uf


def grad_J_bf(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to bf, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].bf


def grad_J_c0(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to c0, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].c0


def grad_J_h0(*, x, h0, c0, y, Wf, Uf, bf, Wi, Ui, bi, Wg, Ug, bg, Wo, Uo, bo):
    """Gradient of J with respect to h0, (n,)."""
    return value_and_grad_J(
        x=x,
        h0=h0,
        c0=c0,
        y=y,
        Wf=Wf,
        Uf=Uf,
        bf=bf,
        Wi=Wi,
        Ui=Ui,
        bi=bi,
        Wg=Wg,
        Ug=Ug,
        bg=bg,
        Wo=Wo,
        Uo=Uo,
        bo=bo,
    )[1].h0


def _arguments(**given):
    """The arguments as floating-point numbers of one precision, their shapes checked."""
    arrays = {name: np.asarray(value) for name, value in given.items()}
    if CHECK_SHAPES:
        _check_shapes(arrays)
    dtype = _dtype(arrays.values())
    return [array.astype(dtype, copy=False)[()] for array in arrays.values()]


def _dtype(arrays):
    """The precision of the arrays that are floating-point already; numbers adapt to arrays."""
    floating = [array for array in arrays if np.issubdtype(array.dtype, np.floating)]
    deciding = [array for array in floating if array.ndim] or floating
    return np.result_type(*(array.dtype for array in deciding)) if deciding else float


def _check_shapes(arrays):
    """Raise ValueError for an argument of another shape than SHAPES says."""
    sizes, sources = {}, {}
    for name, array in arrays.items():
        expected, got = SHAPES[name], array.shape
        if len(got) == len(expected):
            for dim, size in zip(expected, got):
                if isinstance(dim, str) and dim not in sizes:
                    sizes[dim], sources[dim] = size, name
        if len(got) != len(expected) or any(sizes.get(d, d) != s for d, s in zip(expected, got)):
            shape = f"({', '.join(map(str, expected))}{',' * (len(expected) == 1)})"
            known = {d: sizes[d] for d in expected if sources.get(d, name) != name}
            words = [f"{d} = {size} from {sources[d]}" for d, size in known.items()]
            bound = f" with {', '.join(words)}" if words else ""
            raise ValueError(f"{name}: expected {shape}{bound}, got {got}")


def _sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)


def _sech(x):
    """1 / cosh(x), without overflow."""
    e = np.exp(-np.abs(x))
    return 2.0 * e / (1.0 + e * e)
