from __future__ import annotations

import pytest

from tests.upstream import Upstream


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server
