"""goodfit trains regularised neural networks on people's own data and says whether the fit is good.

The public names are listed once, in ``__init__.pyi``; each is loaded on first use (SPEC 1 of Scientific Python).
"""

import warnings

import lazy_loader

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

_RENAMED = {"RecipeError": "ConfigError"}


def __getattr__(name: str) -> object:
    """Load a public name; one that was renamed still works and warns."""
    if name in _RENAMED:
        message = f"goodfit.{name} is now goodfit.{_RENAMED[name]}; the old name will be removed."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
    return _load(_RENAMED.get(name, name))
