"""A derivation as NumPy code: the module with its functions, and a test of it."""

from derive.emit.numpy_code.module import numpy_module, numpy_test_module

__all__ = ["numpy_module", "numpy_test_module"]
