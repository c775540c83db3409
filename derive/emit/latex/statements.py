"""Laws and reasons in words as LaTeX: what stands between dollar signs is Unicode mathematics.

The mathematics is that of the tables of laws: ``∂p/∂z = diag(p) − p pᵀ``. It is read sign by sign.
Capitals are matrices, but for the scalar ``J``; a small letter is a vector where something shows
it: it is transposed, has a norm or a bar, stands beside ``⊙``, under ``∂`` or among the arguments
of a function of vectors, or has an index elsewhere in the same statement.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from derive.emit.latex.names import BOLD, UNICODE_GREEK, LatexStyle, escaped, named
from derive.emit.latex.signs import bracketed, function_sign, ones_sign, script
from derive.vocabulary import FUNCTIONS

__all__ = ["latex_math", "latex_statement", "plain_statement", "vectors_in"]

D: Final = r"\mathrm{d}"
"""The sign of a differential."""

INVERSES: Final = {"inv": "{-1}", "pinv": "+"}
"""Functions that are written as powers."""

LONE: Final = re.compile(r"\\bm\{[A-Za-z]\}|[A-Za-z]")
"""One letter."""

MATHEMATICS: Final = re.compile(r"\$([^$]*)\$")

MARKS: Final = "\u0302\u0304\u0305"
HAT, BAR, LONG_BAR = MARKS

TOKEN: Final = re.compile(
    rf"""(?P<word>[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵀᵏᶜ]+)
    |(?P<lowered>[₀₁₂₃₄₅₆₇₈₉ᵢⱼₖ∞]+)
    |(?P<sum>[ΣΠ](?:_(?:\w|\{{[^}}]*\}}))?)
    |(?P<greek>[Ͱ-Ͽ])
    |(?P<mark>[{MARKS}])
    |(?P<space>\s+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)

RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ᵏᶜ", "0123456789-+kc")
LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖ", "0123456789ijk")

SIGNS: Final[Mapping[str, str]] = {
    "−": "-", "⊙": r"\odot", "⊘": r"\oslash", "⊗": r"\otimes", "≥": r"\ge", "≤": r"\le",
    "≠": r"\ne", "×": r"\times", "·": r"\cdot", "…": r"\dots", "±": r"\pm", "∂": r"\partial",
    "⟨": r"\langle", "⟩": r"\rangle", "∞": r"\infty", "′": "'", "{": r"\{", "}": r"\}",
    "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "~": r"\sim", "\\": r"\backslash",
    "σ": r"\sigma",
}  # fmt: skip
PLAIN_SIGNS: Final = frozenset("+-=<>/,;:!().'[]?*")

RELATION: Final = re.compile(r"[-+=<>,;:/]|\\(odot|oslash|otimes|[lg]e|ne|pm|times|cdot|dots)|$")
"""What stands between terms and factors."""

AHEAD: Final = re.compile(r"\\mathrm\{d\}|\\(operatorname|sum|prod|log|det|exp|max|min)[^()]*")
"""What stands before its argument, without brackets."""

OPERATORS: Final = frozenset({*FUNCTIONS, "cond", "exp", "det", "tr"}) - {"lt", "le", "gt", "ge"}
"""Words that are functions; other ones are names."""

OF_VECTORS: Final = frozenset(
    {"diag", "softmax", "logsumexp", "var", "mean", "sum", "prod", "log_softmax", "layernorm",
     "rmsnorm", "vec", "outer", "max", "min"}
)  # fmt: skip
"""Functions whose argument is a vector where it is a small letter."""

SCALARS: Final = frozenset("JN")
"""Capitals that are scalars."""

LETTER: Final = rf"(?<![A-Za-z\\])d?([a-z])[{MARKS}]*(?![A-Za-z(\u2032])"
EVIDENCE: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{LETTER}(?=ᵀ)",
        rf"(?<![A-Za-z])([a-z])(?=[{BAR}{LONG_BAR}])",
        rf"{LETTER}(?=\s*[⊙⊘⊗‖])",
        rf"(?<=[⊙⊘⊗]\s){LETTER}",
        rf"(?<=[⊙⊘⊗‖]){LETTER}",
        r"∂([a-z])(?=/∂[a-zA-Z](?![\[A-Za-z]))",
        r"∂/?∂?([a-z])(?![\[A-Za-zᵢⱼₖ/])",
        r"(?<![A-Za-z])d?([a-z])(?=\[)",
        rf"(?:{'|'.join(OF_VECTORS)})\(d?([a-z])\)",
        r"(?<![A-Za-z])[A-Z]ᵀ? d?([a-z])(?![A-Za-z\[])",
        r"(?<![A-Za-z])([a-z]) = [A-Z] [a-z](?![A-Za-z\[])",
        r"(?<![A-Za-z])d?([a-z]) = [^=]*[⊙⊘]",
        rf"ᵀ {LETTER}(?!\[)",
        r"(?<![A-Za-z])([a-z]) = …",
        r"… [+±] ([a-z])(?![A-Za-z])",
        r"(?<![A-Za-z])d?([a-z]) = c d?[a-z](?![A-Za-zᶜ(])",
        r"= c d?([a-z])(?![A-Za-zᶜ(])",
    )
)
"""Where a small letter shows that it is a vector."""

SCALAR: Final = re.compile(r"(?<![A-Za-z])([a-z]) = [a-z]ᵀ [a-z](?![A-Za-z])")
"""Where a small letter is an inner product."""


def plain_statement(words: str) -> str:
    """The words without the dollar signs around mathematics."""
    return MATHEMATICS.sub(r"\1", words)


def latex_statement(words: str, style: LatexStyle = BOLD) -> str:
    """The words as LaTeX text, mathematics between dollar signs."""
    parts = MATHEMATICS.split(words)
    vectors = vectors_in(parts[1::2])
    return "".join(
        f"${latex_math(part, style, vectors)}$" if place % 2 else escaped(part)
        for place, part in enumerate(parts)
    )


def vectors_in(pieces: Iterable[str]) -> frozenset[str]:
    """The small letters that are vectors in what is said together."""
    found: set[str] = set()
    scalars: set[str] = set()
    for piece in pieces:
        spread = _spread(piece)
        for pattern in EVIDENCE:
            found.update(match.group(1) for match in pattern.finditer(spread))
        scalars.update(match.group(1) for match in SCALAR.finditer(spread))
    return frozenset(found - scalars)


def latex_math(signs: str, style: LatexStyle = BOLD, vectors: frozenset[str] | None = None) -> str:
    """Unicode mathematics as a formula.

    Args:
        signs: As in the tables of laws.
        style: How names are set.
        vectors: Small letters that are vectors; found in the formula alone by default.
    """
    known = vectors_in([signs]) if vectors is None else vectors
    return _Reader(_spread(signs), style, known).read()


def _spread(signs: str) -> str:
    """Mathematics with accents behind their letters."""
    return unicodedata.normalize("NFD", signs).replace("=\u0338", "≠")


def _under(sign: str, marks: str) -> str:
    """A sign with marks above it."""
    if HAT in marks:
        sign = rf"\hat{{{sign}}}"
    if BAR in marks:
        sign = rf"\bar{{{sign}}}"
    return rf"\overline{{{sign}}}" if LONG_BAR in marks else sign


class _Reader:
    """Reads mathematics sign by sign."""

    def __init__(self, source: str, style: LatexStyle, vectors: frozenset[str]) -> None:
        self.style, self.vectors = style, vectors
        self.tokens = [(str(m.lastgroup), m.group()) for m in TOKEN.finditer(source)]
        self.place = 0
        self.bars = {"‖": 0, "|": 0}

    def read(self, stop: str = "") -> str:
        """What comes up to a sign, and past it."""
        pieces: list[str] = []
        while self.place < len(self.tokens):
            kind, text = self._take()
            if text == stop:
                break
            piece = getattr(self, f"_{kind}")(text)
            pieces.append(piece)
        return _spaced(pieces)

    def _take(self) -> tuple[str, str]:
        self.place += 1
        return self.tokens[self.place - 1]

    def _next(self, ahead: int = 0) -> str:
        """The token that follows, or nothing."""
        place = self.place + ahead
        return self.tokens[place][1] if place < len(self.tokens) else ""

    def _follows(self, kind: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place][0] == kind

    def _space(self, text: str) -> str:
        return " "

    def _number(self, text: str) -> str:
        """A number; a 1 that is multiplied or that holds a condition is an array of ones."""
        beside = self._next() == " " and self.place + 1 < len(self.tokens)
        multiplied = beside and self.tokens[self.place + 1][0] in ("word", "number")
        if text == "1" and (self._next().startswith("ᵀ") or self._next() == "[" or multiplied):
            return self._scripted(ones_sign(self.style.bold), entries=False)
        return self._scripted(text)

    def _sum(self, text: str) -> str:
        sign = r"\sum" if text[0] == "Σ" else r"\prod"
        below = text[2:].strip("{}")
        return (
            f"{sign}_{script(_Reader(below, self.style, self.vectors).read())}" if below else sign
        )

    def _greek(self, text: str) -> str:
        sign = UNICODE_GREEK.get(text, r"\text{?}")
        if text == "σ" and self._next() in ("(", "′"):
            sign = function_sign("sigmoid", self.style.spelled)
        sign = _under(sign, self._marks())
        return self._scripted(sign, entry=sign)

    def _word(self, text: str) -> str:
        if text in INVERSES and self._next() == "(":
            return self._inverse(INVERSES[text])
        if text in OPERATORS and not (len(text) == 1 or self._next() in tuple(MARKS)):
            return self._scripted(
                function_sign(text, self.style.spelled),
                entry=function_sign(text, self.style.spelled),
                function=True,
            )
        if text == "d":
            return D
        if text[0] == "d" and len(text) == 2:
            return self._differential(text[1])
        if len(text) == 2 and text[0] == text[1]:
            return f"{named(text[0], self.style, text.isupper())} {self._named(text[1])}"
        return self._named(text)

    def _inverse(self, sign: str) -> str:
        """``inv(X)`` as a power; brackets around what is no letter, and around a power."""
        self.place += 1
        inner = self.read(")")
        power = f"{inner if LONE.fullmatch(inner) else f'({inner})'}^{sign}"
        return self._scripted(f"({power})" if self._follows("raised") else power)

    def _differential(self, letter: str) -> str:
        """``dX``; of an inverse, the letter with its exponent in brackets."""
        inner = self._named(letter)
        raised = re.search(r"\^\{[-+]", inner)
        return f"{D}({inner})" if raised else f"{D}{inner}"

    def _named(self, text: str) -> str:
        """A letter or a word with what is above it, and its scripts."""
        marks = self._marks()
        stem = text.rstrip("0123456789").split("_")[0]
        array = (text[0].isupper() and text[0] not in SCALARS) or stem in self.vectors
        function = len(text) == 1 and text.isupper() and self._next() == "("
        bold = _under(named(text, self.style, array and not function), marks)
        entry = _under(named(text, self.style, False), marks)
        return self._scripted(bold, entry=entry)

    def _marks(self) -> str:
        """The marks above what was read."""
        marks = ""
        while self._follows("mark"):
            marks += self._take()[1]
        return marks

    def _mark(self, text: str) -> str:
        """A mark above no letter."""
        return ""

    def _scripted(
        self, sign: str, entry: str = "", entries: bool = True, function: bool = False
    ) -> str:
        """A sign with its subscripts and superscripts; an entry of it is not bold."""
        above = below = ""
        while self.place < len(self.tokens):
            kind, text = self.tokens[self.place]
            if kind == "raised":
                above += _raised(text)
            elif kind == "lowered":
                below += text.translate(LOWERED).replace("∞", r"\infty")
            elif text == "′":
                above = "'" + above
            elif text == "^":
                self.place += 1
                above += self._exponent()
                continue
            elif text == "[" and entries and not function and self._is_index():
                self.place += 1
                inner = self.read("]")
                if above:
                    sign, above, entry = f"({_with(sign, above, '')})", "", ""
                else:
                    sign = entry or sign
                below += inner.replace(",", "").replace(" ", "") if _is_plain(inner) else inner
                continue
            else:
                break
            self.place += 1
        if below and not above and below[-1] in "ijk" and entry:
            sign = entry
        return _with(sign, above, below)

    def _exponent(self) -> str:
        """What stands behind a caret."""
        kind, text = self._take()
        if text == "(":
            return self.read(")")
        if text == "⊙":
            return rf"\odot {_raised(self._take()[1])}"
        return text if kind in ("number", "word") else SIGNS.get(text, "")

    def _is_index(self) -> bool:
        """Whether what stands in the brackets that follow are letters of an entry."""
        depth = 0
        inside = ""
        for _, text in self.tokens[self.place :]:
            depth += (text == "[") - (text == "]")
            inside += text
            if not depth:
                break
        return re.fullmatch(r"\[[a-z0-9,: +]*\]", inside) is not None

    def _raised(self, text: str) -> str:
        return f"^{{{_raised(text)}}}"

    def _lowered(self, text: str) -> str:
        return f"_{script(text.translate(LOWERED).replace('∞', '{}'))}"

    def _mark_alone(self, text: str) -> str:
        return ""

    def _sign(self, text: str) -> str:
        if text == "√":
            return self._root()
        if text in self.bars:
            return self._bar(text)
        if text == "[" and self._is_block():
            return self._block()
        if text == "(":
            inner = self.read(")")
            tall = r"\begin" in inner
            return self._scripted(bracketed(inner) if tall else f"({inner})")
        if text in SIGNS:
            return SIGNS[text]
        return text if text in PLAIN_SIGNS else escaped(text)

    def _root(self) -> str:
        """``√(2/π)``, ``√x``; ``√′(x)`` is the derivative."""
        prime = self._next() == "′"
        self.place += prime
        if self._next() == "(":
            self.place += 1
            inner = self.read(")")
        else:
            kind, text = self._take()
            inner = getattr(self, f"_{kind}")(text)
        root = rf"\sqrt{{{inner}}}"
        return f"({root})'" if prime else root

    def _bar(self, text: str) -> str:
        """Every second bar closes."""
        name = "Vert" if text == "‖" else "vert"
        self.bars[text] += 1
        if self.bars[text] % 2:
            return rf"\l{name}"
        return self._scripted(rf"\r{name}", entries=False)

    def _is_block(self) -> bool:
        """Whether a matrix of blocks begins: ``[A dA; 0 A]``."""
        rest = [text for _, text in self.tokens[self.place :]]
        return "]" in rest and ";" in rest[: rest.index("]")]

    def _block(self) -> str:
        rows: list[str] = [""]
        while self.place < len(self.tokens):
            kind, text = self._take()
            if text == "]":
                break
            if text == ";":
                rows.append("")
            elif kind == "space":
                rows[-1] += " & " if rows[-1] else ""
            elif text == "0" and self.style.bold:
                rows[-1] += r"\mathbf{0}"
            else:
                rows[-1] += getattr(self, f"_{kind}")(text)
        inner = r" \\ ".join(rows)
        return rf"\begin{{bmatrix}} {inner} \end{{bmatrix}}"


def _raised(text: str) -> str:
    """Superscript letters as a script."""
    return text.translate(RAISED).replace("ᵀ", r"\top")


def _with(sign: str, above: str, below: str) -> str:
    """A sign with its scripts; a prime needs no caret."""
    primes = len(above) - len(above.lstrip("'"))
    rest = above[primes:]
    if primes and rest:
        above = "'" * primes
        sign = f"{sign}{above}"
        above = ""
        return f"{sign}^{script(rest)}" + (f"_{script(below)}" if below else "")
    if primes:
        return sign + (f"_{script(below)}" if below else "") + above
    if below:
        sign += f"_{script(below)}"
    return f"{sign}^{_script_of(rest)}" if rest else sign


def _script_of(text: str) -> str:
    return text if len(text) == 1 or text == r"\top" else f"{{{text}}}"


def _is_plain(text: str) -> bool:
    """Whether letters of an entry need no commas between them."""
    return re.fullmatch(r"[a-z](, ?[a-z])*|[a-z]", text) is not None


def _spaced(pieces: Sequence[str]) -> str:
    """Pieces with a blank where a command would run into a letter.

    A thin space stands around a differential, and behind a division.
    """
    written = ""
    divided = False
    for place, piece in enumerate(pieces):
        if piece == " " and 0 < place < len(pieces) - 1:
            before, after = pieces[place - 1], pieces[place + 1]
            beside = not (RELATION.fullmatch(before) or RELATION.match(after))
            apart = divided or before.startswith(D) or after.startswith(D)
            beside = beside and not AHEAD.fullmatch(before)
            written += r" \, " if beside and apart else " "
            continue
        divided = piece == "/" or (divided and not RELATION.fullmatch(piece))
        if re.search(r"\\[A-Za-z]+$", written) and piece[:1].isalpha():
            written += " "
        written += piece
    return written.strip()
