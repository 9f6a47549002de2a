"""An instance that speaks gRPC: two workers behind one port, named by the status, followed by deployments."""

from pathlib import Path

import numpy as np
from tests.e2e.versions import ROWS, compiled
from tests.serving.rpc.conftest import Caller

from headgate.client.local import free_ports
from headgate.testing.instance import running_instance


def test_two_workers_share_the_port(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    inputs = {"x": np.array([list(row.values()) for row in ROWS], np.float64)}
    with running_instance(tmp_path / "home", workers=2, grpc_port=port) as instance, instance.client() as client:
        assert client.status()["grpc"] == {"port": port, "reason": ""}
        with Caller(port) as caller:
            assert caller.ask("ServerReady").ready
        client.register(compiled(tmp_path / "bundles", 1)[0])
        client.deploy("fraud:1", "fraud")
        wanted = client.predict("fraud", ROWS).predictions
        for _ in range(8):
            # a connection of its own each
            with Caller(port) as caller:
                assert caller.infer(inputs)["predictions"].tolist() == wanted
