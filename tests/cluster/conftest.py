from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import Cluster, engine


@pytest.fixture(scope="module", params=["etcd3", "redis"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes, which each test of a module leaves whole."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    with engine(request.param, folder) as under_test, Cluster(folder, under_test, 3) as running:
        yield running
