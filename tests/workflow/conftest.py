"""Runs that several files look at."""

import pytest

from tests.workflow.employees import fit


@pytest.fixture(scope="session")
def run():
    return fit()


@pytest.fixture(scope="session")
def pay():
    return fit("pay")
