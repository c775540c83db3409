"""Matrix calculus derived step by step, printed as notes and as NumPy code, and checked.

``read`` or ``parse`` a problem, or ``Problem.build`` one from SymPy expressions; ``derive`` it;
then ``explain``, ``check``, ``code`` or ``build`` it, or ``write_notes`` of its ``page``.
``gradient`` does it all for one expression.
The functions of the language (``softmax``, ``logdet``, ...) are here too, for SymPy expressions.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

# In a source tree cli/ and templates/ lie beside this folder; installed, they lie in it.
_TREE = Path(__file__).resolve().parents[1]
if (_TREE / "pyproject.toml").is_file() and (_TREE / "templates" / "__init__.py").is_file():
    __path__.append(str(_TREE))

__version__ = "0.1.0"

# public name: the module that holds it. Imported when asked for, since SymPy takes its time.
_HOMES = {
    "CheckError": "derive.errors",
    "Derivation": "derive.calculus.derivation",
    "DeriveError": "derive.errors",
    "InputError": "derive.errors",
    "Problem": "derive.problem",
    "Report": "derive.verify.report",
    "Request": "derive.problem",
    "UnsupportedError": "derive.errors",
    "build": "derive.workflow",
    "check": "derive.workflow",
    "code": "derive.workflow",
    "derive": "derive.calculus.chain_rule",
    "entries": "derive.vocabulary",
    "example": "derive.workflow",
    "explain": "derive.workflow",
    "gradient": "derive.workflow",
    "network_problem": "derive.language",
    "page": "derive.workflow",
    "parse": "derive.language",
    "parse_expression": "derive.language",
    "read": "derive.language",
    "read_record": "derive.notes",
    "write_notes": "derive.notes",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
    elif name.startswith("_"):
        raise AttributeError(f"module 'derive' has no attribute {name!r}")
    else:
        if name not in import_module("derive.vocabulary").FUNCTIONS:
            raise AttributeError(f"module 'derive' has no attribute {name!r}")
        found = import_module("derive.workflow").vocabulary_function(name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *import_module("derive.vocabulary").FUNCTIONS})
