"""Lets tensorflowjs be imported without what only its other converters need (JAX, decision forests), and with NumPy 2."""
import importlib.machinery
import sys
import types

import numpy as np


class Missing(types.ModuleType):
    """A module that holds whatever is asked for."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return missing(f"{self.__name__}.{name}")


def missing(name):
    module = sys.modules[name] = Missing(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    return module


for name in ("tensorflow_decision_forests", "jax", "jax.experimental", "jax.experimental.jax2tf", "flax", "flax.core"):
    missing(name)
for name in ("object", "bool", "float", "int"):
    if name not in vars(np):
        setattr(np, name, getattr(__builtins__, name, None) or __builtins__[name])
