"""What several tests of trainings watch."""

import jax.monitoring
import pytest


@pytest.fixture
def compiled():
    """Names of what XLA compiles while the test runs."""
    found = []

    def listen(event, duration, **_):
        if "backend_compile" in event:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield found
    jax.monitoring.clear_event_listeners()
