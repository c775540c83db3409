"""Names as LaTeX: ``W1`` with a subscript, ``x_hat`` under a hat, ``lambda`` as the letter.

A name is a stem and subscripts: digits behind a letter, and what stands behind underscores. One
letter is italic, a word upright; arrays are bold. Nothing in a name is a command: letters that
LaTeX's fonts lack, and signs, are set as their number in Unicode.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import sympy

from derive.shapes import Dim
from derive.tensor.nodes import Variable
from derive.vocabulary import FUNCTIONS

__all__ = [
    "BOLD",
    "PLAIN",
    "LatexStyle",
    "escaped",
    "is_plain_name",
    "is_raised",
    "latex_dim",
    "latex_name",
    "named",
    "style_for",
]

GREEK: Final[Mapping[str, str]] = {
    **{
        name: f"\\{name}"
        for name in (
            "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
            "upsilon chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
        ).split()
    },
    "epsilon": r"\varepsilon",
    "phi": r"\varphi",
    "omicron": "o",
    "ell": r"\ell",
}
"""Names of letters, and the commands that set them."""

UNICODE_GREEK: Final[Mapping[str, str]] = {
    unicodedata.lookup(
        f"GREEK {case} LETTER {'LAMDA' if name.lower() == 'lambda' else name.upper()}"
    ): (GREEK[name])
    for name in GREEK
    if name != "ell"
    for case in ("SMALL" if name[0].islower() else "CAPITAL",)
}
"""Greek letters, and the commands that set them."""

SPECIAL: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}",
    "−": "$-$", "×": r"$\times$", "·": r"$\cdot$",
}  # fmt: skip
"""Characters that mean something to TeX, or that its fonts set as others."""

ACCENTS: Final[Mapping[str, str]] = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0308": r'\"',
    "\u0304": r"\=", "\u0306": r"\u", "\u0307": r"\.", "\u030a": r"\r", "\u030b": r"\H",
    "\u030c": r"\v", "\u0327": r"\c", "\u0328": r"\k", "\u0331": r"\b", "\u0323": r"\d",
}  # fmt: skip

OVER_LETTERS: Final[Mapping[str, str]] = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring", "\u030c": "check",
}  # fmt: skip
"""Accents of letters in formulas."""

MISSING: Final = "?"
"""What stands in prose for a character that the fonts of LaTeX lack."""

STEM: Final = re.compile(r"(?P<letters>[^\W\d_]+)(?P<digits>\d*)")


@dataclass(frozen=True)
class LatexStyle:
    """How names are set.

    Attributes:
        bold: Whether arrays are bold.
        literal: Names that are set letter by letter, because another one would look the same.
        subscripted: Names of two letters of which the second is a subscript: ``bf`` beside ``Wf``.
        squared: Names that end in 2 and are squares: ``sigma2`` where there is no ``sigma1``.
        spelled: Functions that are set as words, since a name has their sign: ``sigma`` that of
            the sigmoid function.
        every_letter: Whether letters of any script can be set, as they can be in MathML.
    """

    bold: bool = True
    literal: frozenset[str] = frozenset()
    subscripted: frozenset[str] = frozenset()
    squared: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()
    every_letter: bool = False


BOLD: Final = LatexStyle()
PLAIN: Final = LatexStyle(bold=False)

VARIANCES: Final = frozenset({"sigma2", "tau2", "s2"})
"""Names that are squares, unless there are others that differ in their number."""


def style_for(variables: Iterable[Variable], style: LatexStyle = BOLD) -> LatexStyle:
    """The style in which no two names of a derivation look the same.

    Names of two letters have a subscript where a matrix shares their second letter, and
    ``sigma2`` is the square of a letter where neither ``sigma`` nor ``sigma1`` is there.

    Args:
        variables: All quantities that have a name, adjoints or not.
        style: Whether arrays are bold.
    """
    found = {v.name: v for v in variables if v.role not in ("adjoint", "jacobian")}
    pairs = {name for name in found if len(name) == 2 and name.isalpha() and name not in GREEK}
    ends = {name[1] for name in pairs if name[0].isupper()}
    paired = frozenset(name for name in pairs if name[0].islower() and name[1] in ends)
    families = [name.rstrip("0123456789") for name in found]
    alone = {name for name in VARIANCES & found.keys() if families.count(name[:-1]) == 1}
    spelled = (
        {"sigmoid"} if {"sigma", "σ"} & {re.split(r"[\d_]", name)[0] for name in found} else ()
    )
    fitted = replace(
        style, subscripted=paired, squared=frozenset(alone), spelled=frozenset(spelled)
    )
    looks: dict[str, list[str]] = {}
    for name, variable in found.items():
        looks.setdefault(latex_name(variable, replace(fitted, bold=False)), []).append(name)
    same = [name for names in looks.values() if len(names) > 1 for name in sorted(names)[1:]]
    return replace(fitted, literal=frozenset(same))


def latex_name(variable: Variable, style: LatexStyle = BOLD) -> str:
    """A variable's name: ``\\bar{\\bm{z}}_2`` for the adjoint of z2, ``\\hat{\\bm{x}}``."""
    name = variable.name
    if variable.role == "jacobian":
        above, _, below = name.partition("/")
        arrays = (
            variable.order == 2 or (variable.order == 1 and not variable.row),
            variable.order == 2 or (variable.order == 1 and variable.row),
        )
        parts = [
            named(part.removeprefix("∂").removesuffix("_bar"), style, array,
                  part.endswith("_bar"))
            for part, array in zip((above, below), arrays, strict=True)
        ]  # fmt: skip
        return rf"\frac{{\partial {parts[0]}}}{{\partial {parts[1]}}}"
    if variable.role == "adjoint":
        return named(name.removesuffix("_bar"), style, bool(variable.order), True)
    return named(name, style, bool(variable.order))


def named(name: str, style: LatexStyle, array: bool, bar: bool = False) -> str:
    """A name; ``bar`` draws a bar over its stem."""
    stem, accents, raised, below = _taken_apart(name, style)
    if stem == name and name in style.literal:
        written = "".join(_letter(character, style) for character in name)
        body = rf"\{'mathbf' if style.bold and array else 'mathrm'}{{{written}}}"
        return rf"\overline{{{body}}}" if bar else body
    body = _stem(stem, style.bold and array, style)
    narrow = len(stem) == 1 or stem in GREEK
    for accent in accents:
        body = rf"\{accent if narrow else f'wide{accent}'}{{{body}}}"
    if raised:
        body = f"{body}^{raised}"
        return rf"\overline{{{body}}}" if bar else body
    if bar:
        body = rf"\{'bar' if narrow else 'overline'}{{{body}}}"
    if below:
        body += f"_{_braced(','.join(_subscript(part, style) for part in below))}"
    return body


def is_raised(name: str, style: LatexStyle) -> bool:
    """Whether a name is set with a superscript."""
    return name in style.squared


def is_plain_name(name: str, style: LatexStyle) -> bool:
    """Whether a name is set without a subscript, so that it can have those of an entry."""
    _, _, raised, below = _taken_apart(name, style)
    return not below and not raised


def _taken_apart(name: str, style: LatexStyle) -> tuple[str, list[str], str, list[str]]:
    """Stem, accents, superscript and subscripts of a name."""
    if name in style.literal:
        return name, [], "", []
    head, *rest = name.split("_")
    found = STEM.fullmatch(head)
    if found is None or not all(rest) or (rest and head in FUNCTIONS):
        return name, [], "", []
    stem, digits = found["letters"], found["digits"]
    below: list[str] = []
    accents: list[str] = []
    if rest and (accent := STEM.fullmatch(rest[0])) and accent["letters"] in ("hat", "tilde"):
        accents.append(accent["letters"])
        digits, rest = digits + accent["digits"], rest[1:]
    if name in style.squared:
        return stem, accents, digits, below
    pair = len(stem) == 2 and stem.isascii() and stem not in GREEK and stem not in FUNCTIONS
    if pair and (stem[0].isupper() or name in style.subscripted):
        below.append(stem[1])
        stem = stem[0]
    if digits:
        below.append(digits)
    return stem, accents, "", [*below, *rest]


def _letter(character: str, style: LatexStyle) -> str:
    """One character of a name, without what makes it bold or upright."""
    if character in UNICODE_GREEK:
        return UNICODE_GREEK[character]
    if character == "_":
        return r"\_"
    base, *accents = list(unicodedata.normalize("NFD", character))
    if base.isascii() and base.isalnum() and all(accent in OVER_LETTERS for accent in accents):
        for accent in accents:
            base = rf"\{OVER_LETTERS[accent]}{{{base}}}"
        return base
    if style.every_letter and character.isalnum():
        return rf"\text{{{character}}}"
    return f"u{ord(character):x}"


def _stem(stem: str, bold: bool, style: LatexStyle) -> str:
    if stem in GREEK or (len(stem) == 1 and stem in UNICODE_GREEK):
        sign = GREEK.get(stem) or UNICODE_GREEK[stem]
        return rf"\bm{{{sign}}}" if bold else sign
    written = "".join(_letter(character, style) for character in stem)
    if len(stem) == 1 and len(written) == 1:
        return rf"\bm{{{written}}}" if bold else written
    accented = re.fullmatch(r"\\(\w+)\{(\w)\}", written)
    if accented and accented[1] != "text":
        return rf"\{accented[1]}{{\bm{{{accented[2]}}}}}" if bold else written
    greek = all(character in UNICODE_GREEK or character.isascii() for character in stem)
    if greek and not stem.isascii():
        spaced = "".join(f"{UNICODE_GREEK[c]} " if c in UNICODE_GREEK else c for c in stem).strip()
        return rf"\bm{{{spaced}}}" if bold else spaced
    return rf"\{'mathbf' if bold else 'mathrm'}{{{written}}}"


def _subscript(part: str, style: LatexStyle) -> str:
    found = STEM.fullmatch(part)
    if part.isascii() and part.isdigit():
        return part
    if found is None:
        return _stem(part, False, style)
    stem, digits = found["letters"], found["digits"]
    return _stem(stem, False, style) + (f"_{_braced(digits)}" if digits else "")


def _braced(script: str) -> str:
    return script if len(script) == 1 else f"{{{script}}}"


def latex_dim(dim: Dim) -> str:
    """A size: ``n``, ``m n``, ``n + 1``, ``d_k``."""
    if dim.is_Integer:
        return str(dim)
    names = {s: named(str(s), PLAIN, False) for s in dim.free_symbols}
    return str(sympy.latex(dim, symbol_names=names))


def escaped(text: str) -> str:
    """Text that TeX sets as it is; letters that pdfLaTeX lacks become marks.

    Letters with accents become commands, Greek ones mathematics.
    """
    pieces: list[str] = []
    for character in unicodedata.normalize("NFD", text):
        if character in ACCENTS and pieces:
            pieces[-1] = f"{ACCENTS[character]}{{{pieces[-1]}}}"
        elif character in SPECIAL:
            pieces.append(SPECIAL[character])
        elif character.isascii():
            pieces.append(character if character.isprintable() or character == "\n" else " ")
        elif character in UNICODE_GREEK:
            pieces.append(f"${UNICODE_GREEK[character]}$")
        else:
            plain = unicodedata.normalize("NFKD", character)
            pieces.append(plain if plain.isascii() and plain.isprintable() else MISSING)
    return "".join(pieces)
