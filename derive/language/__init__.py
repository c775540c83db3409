"""The problem language: text is read into a :class:`~derive.problem.Problem`.

No text is ever evaluated: the grammar (``grammar.lark``) gives a syntax tree, shapes are inferred
over that tree, and only then are SymPy expressions built, node by node.
"""

from derive.language.networks import network_problem
from derive.language.reading import parse, parse_expression, read

__all__ = ["network_problem", "parse", "parse_expression", "read"]
