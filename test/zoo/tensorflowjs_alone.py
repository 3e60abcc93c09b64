"""
Lets tensorflowjs be imported without what only its other converters need (JAX, decision forests), with NumPy 2, and with a
setuptools that has no pkg_resources any more.
"""
import importlib.machinery
import importlib.util
import sys
import types

import numpy as np
from packaging.version import parse


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
if importlib.util.find_spec("pkg_resources") is None:
    sys.modules["pkg_resources"] = types.ModuleType("pkg_resources")
    sys.modules["pkg_resources"].parse_version = parse
