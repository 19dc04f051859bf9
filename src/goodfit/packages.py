"""Optional packages: the extras of pyproject.toml."""

from importlib import import_module
from typing import Any

from goodfit.errors import ConfigError


def optional_package(name: str, *, extra: str) -> Any:  # noqa: ANN401
    """Return a package that an extra installs.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"This needs the package {error.name}: pip install 'goodfit[{extra}]'.") from error
