"""The tour, made once for all tests of it."""

import pytest

import goodfit


@pytest.fixture(scope="session")
def heard():
    """What was told of the chapters while the page was made."""
    return []


@pytest.fixture(scope="session")
def page(tmp_path_factory, heard):
    """The path of the page."""
    path = tmp_path_factory.mktemp("tour") / "tour.html"
    return goodfit.tour(path, on_chapter=lambda *told: heard.append(told))
