"""Shapes in annotations are for readers and tests; a card's machine may lack jaxtyping."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Anything:
    def __class_getitem__(cls, _):
        return Any


def _stand_in() -> ModuleType:
    module = ModuleType("jaxtyping")
    for name in ("Bool", "Float", "Int"):
        setattr(module, name, _Anything)
    return module


if find_spec("jaxtyping") is None:
    sys.modules["jaxtyping"] = _stand_in()
