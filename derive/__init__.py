"""Matrix calculus derived step by step, printed as notes and as NumPy code, and checked."""

from pathlib import Path

# In a source tree cli/ and templates/ lie beside this folder; installed, they lie in it.
_TREE = Path(__file__).resolve().parents[1]
if (_TREE / "pyproject.toml").is_file() and (_TREE / "templates" / "__init__.py").is_file():
    __path__.append(str(_TREE))
