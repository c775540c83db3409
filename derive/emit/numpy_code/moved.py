"""Arrays that are views, blocks, reshaped or made anew, as Python text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from derive.emit.numpy_code.arrays import Array, is_boolean, is_floating, is_number
from derive.emit.numpy_code.numbers import ATOM, Written

if TYPE_CHECKING:
    from derive.emit.numpy_code.text import Writer

__all__ = ["MOVED"]


def _running(writer: Writer, node: Array) -> Written:
    axis = "" if node.order < 2 else f", axis={node.value}"
    return f"{writer.numpy}.cumsum({writer.number_like(node.args[0])}{axis})", ATOM


def _returning(writer: Writer, node: Array) -> Written:
    turned = "::-1" if not node.value else ":, ::-1"
    axis = "" if node.order < 2 else f", axis={node.value}"
    arg = node.args[0]
    inner = writer.as_numbers(arg)[0] if is_boolean(arg) else writer.inside(arg, ATOM)
    inner = f"{inner}[{turned}]"
    return f"{writer.numpy}.cumsum({inner}{axis})[{turned}]", ATOM


def _block(writer: Writer, node: Array) -> Written:
    (arg,) = node.args
    return f"{writer.inside(arg, ATOM)}[{_index(writer, node.value, arg.shape)}]", ATOM


def _placed(writer: Writer, node: Array) -> Written:
    index = _index(writer, node.value, node.shape)
    if ":" in index:
        index = f"{writer.numpy}.s_[{index}]"
    elif "," in index:
        index = f"({index})"
    value = writer.number_like(node.args[0])
    if not is_floating(node.args[0]) and not is_boolean(node.args[0]) and writer.like:
        value = f"{writer.dtype()}.type({value})"
    return writer.helper("_placed", f"{value}, {writer.shape(node.shape)}, {index}")


def _joined(writer: Writer, node: Array) -> Written:
    axis = f", axis={node.value}" if node.value else ""
    parts = ", ".join(writer.number_like(arg) for arg in node.args)
    return f"{writer.numpy}.concatenate([{parts}]{axis})", ATOM


def _reshape(writer: Writer, node: Array) -> Written:
    shape = ", ".join(map(writer.dim, node.shape)) if node.order != 1 else "-1"
    return f"{writer.inside(node.args[0], ATOM)}.reshape({shape})", ATOM


def _tri(writer: Writer, node: Array) -> Written:
    rows, columns = node.shape
    more = "" if rows == columns else f", {writer.dim(columns)}"
    return f"{writer.numpy}.tri({writer.dim(rows)}{more}{writer.typed()})", ATOM


def _eye_at(writer: Writer, node: Array) -> Written:
    rows = writer.dim(node.shape[0]) if node.order == 2 else "1"
    place = f"{writer.dim(node.shape[-1])}, {writer.dim(node.value)}"
    whole = f"{writer.numpy}.eye({rows}, {place}{writer.typed()})"
    return (whole if node.order == 2 else f"{whole}[0]"), ATOM


def _eye(writer: Writer, node: Array) -> Written:
    return f"{writer.numpy}.eye({writer.dim(node.shape[0])}{writer.typed()})", ATOM


def _full(writer: Writer, node: Array) -> Written:
    (arg,) = node.args
    if node.shape[0] == 1 and arg.shape == node.shape[1:] and arg.order:
        return f"{writer.inside(arg, ATOM)}[None, :]", ATOM
    shape = writer.shape(node.shape)
    if arg.op == "number" and arg.value in (0, 1):
        kind = "ones" if arg.value else "zeros"
        return f"{writer.numpy}.{kind}({shape}{writer.typed()})", ATOM
    typed = writer.typed() if is_number(arg) else ""
    return f"{writer.numpy}.full({shape}, {_floating_text(writer, arg)}{typed})", ATOM


def _full_like(writer: Writer, node: Array) -> Written:
    arg, like = node.args
    if arg.op == "number" and arg.value in (0, 1):
        kind = "ones" if arg.value else "zeros"
        return f"{writer.numpy}.{kind}_like({writer.text(like)})", ATOM
    return f"{writer.numpy}.full_like({writer.text(like)}, {_floating_text(writer, arg)})", ATOM


def _transpose(writer: Writer, node: Array) -> Written:
    return f"{writer.inside(node.args[0], ATOM)}.T", ATOM


def _permuted(writer: Writer, node: Array) -> Written:
    return f"{writer.numpy}.transpose({writer.text(node.args[0])}, {node.value})", ATOM


def _expand(writer: Writer, node: Array) -> Written:
    index = ":, None" if node.order == 2 else "..., None"
    return f"{writer.inside(node.args[0], ATOM)}[{index}]", ATOM


def _spread(writer: Writer, node: Array) -> Written:
    marks = ", ".join(":" if mark else "None" for mark in node.value)
    return f"{writer.inside(node.args[0], ATOM)}[{marks}]", ATOM


def _deviations(writer: Writer, node: Array) -> Written:
    axis = "" if node.value in (None, node.order - 1) else f", axis={node.value}"
    return writer.helper("_deviations", f"{writer.number_like(node.args[0])}{axis}")


def _index(writer: Writer, bounds: Sequence[Any], shape: Sequence[Any]) -> str:
    """What stands in the brackets of an index."""
    parts = []
    for own, dim in zip(bounds, shape, strict=True):
        if own is None:
            parts.append(":")
        elif isinstance(own, tuple):
            start = writer.dim(own[0]) if own[0] != 0 else ""
            stop = writer.dim(own[1]) if own[1] != dim else ""
            is_simple = all(
                end == "" or end.isidentifier() or end.isdigit() for end in (start, stop)
            )
            parts.append(f"{start}:{stop}" if is_simple else f"{start} : {stop}".strip())
        else:
            parts.append(writer.dim(own))
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts)


def _floating_text(writer: Writer, node: Array) -> str:
    """A node as an array of floating-point numbers, also where it is made of sizes."""
    text = writer.number_like(node)
    whole = not node.order and node.op in ("constant", "multiply") and "." not in text
    return f"1.0 * {text}" if whole else text


MOVED: Final[Mapping[str, Callable[[Writer, Array], Written]]] = {
    "block": _block,
    "deviations": _deviations,
    "expand": _expand,
    "eye": _eye,
    "eye_at": _eye_at,
    "full": _full,
    "full_like": _full_like,
    "joined": _joined,
    "permuted": _permuted,
    "placed": _placed,
    "reshape": _reshape,
    "returning": _returning,
    "running": _running,
    "spread": _spread,
    "transpose": _transpose,
    "tri": _tri,
}
"""How each of these operators is written."""
