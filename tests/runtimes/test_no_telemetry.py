"""Loading a model tells nobody: onnxruntime's own usage data stays off."""

import subprocess
import sys
from pathlib import Path

from headgate.testing.bundles import LinearModel, linear_graph

LOAD = """
import sys
from pathlib import Path
from headgate.runtimes.onnx_session import open_session
open_session(Path(sys.argv[1]).read_bytes())
"""


def test_onnxruntime_begins_no_session_with_its_makers(tmp_path: Path) -> None:
    model, passing = tmp_path / "model.onnx", tmp_path / "passing"
    model.write_bytes(linear_graph(LinearModel()))
    passing.mkdir()
    # where telemetry is on, the id of its session is written there
    subprocess.run([sys.executable, "-c", LOAD, str(model)], env={"TMPDIR": str(passing)}, check=True)
    assert list(passing.iterdir()) == []
