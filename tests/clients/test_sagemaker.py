"""The page's example of boto3, as a user copies it."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.serving.signing import SUBKEY
from tests.serving.test_access import key
from tests.serving.worker_process import WorkerProcess, wait_for

from headgate.derived_secrets import signing_secret
from headgate.home import Home, write_atomically
from headgate.records import AccessTable
from headgate.settings import Settings
from headgate.testing.bundles import build_bundle, publish, route_table

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
ID = "0123abcd"
ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]


@pytest.mark.parametrize("secret", [signing_secret(SUBKEY, ID), "wrong"])
def test_the_example_of_boto3(tmp_path: Path, secret: str) -> None:
    home = Home(tmp_path).create()
    publish(home, route_table(build_bundle(home.cache)))
    keys = (msgspec.structs.replace(key("hg_secret", "*"), id=ID),)
    table = AccessTable(epoch=1, number=1, required=True, keys=keys, signing=SUBKEY.hex())
    write_atomically(home.access, msgspec.json.encode(table))
    server = WorkerProcess(home, Settings(require_keys=True))
    try:
        wait_for(lambda: server.ask("GET", "/readyz").status == 200)
        program = PAGE.read_text().partition("## SageMaker")[2].partition("```python\n")[2].partition("```")[0]
        program = program.replace("localhost:8000", f"localhost:{server.port}").replace('"…"', repr(secret))
        assert f"localhost:{server.port}" in program
        assert secret in program
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        wanted = server.predict({"instances": ROWS}, Authorization="Bearer hg_secret").json["predictions"]
    finally:
        assert server.stop() == 0, server.logged
    if secret == "wrong":
        assert "InvalidSignatureException" in done.stderr
    else:
        assert json.loads(done.stdout) == wanted, done.stderr
