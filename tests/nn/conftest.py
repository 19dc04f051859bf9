"""What the tests of the mathematics share: double precision here, and in the peer."""

import jax
import pytest


@pytest.fixture
def float64():
    """Double precision while the test runs."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def keras64(float64, keras):
    """Keras in double precision."""
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield keras
    keras.config.set_floatx(before)
