"""A derivation as NumPy code: the module with its functions, and a test of it."""

from derive.emit.numpy_code.module import NumpyModule, numpy_module

__all__ = ["NumpyModule", "numpy_module"]
