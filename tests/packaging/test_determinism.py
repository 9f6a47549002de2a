"""The same files give the same digest: in another process, on another day, in another folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.packaging.estimators import cancer, forest

from headgate.bundle.bundle import open_bundle
from headgate.packaging.frameworks.scikit_learn import dump_estimator

CHILD = """
import sys, time, json
sys.path.insert(0, sys.argv[1])
import numpy as np
real = time.time
time.time = lambda: real() + 86_400 * int(sys.argv[4])
import headgate
rows = np.load(sys.argv[2] + ".npz")
bundle = headgate.package(sys.argv[2], name="m", data=rows["x"], target=rows["y"], holdout=(rows["x"], rows["y"]),
                          output=sys.argv[3])
print(json.dumps({"digest": bundle.digest, "serves": bundle.manifest.serves}))
"""


def package_elsewhere(model: Path, output: Path, day: int) -> dict[str, str]:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            CHILD,
            str(Path(__file__).parents[2] / "src"),
            str(model),
            str(output),
            str(day),
        ],
        env=os.environ | {"PYTHONHASHSEED": str(day), "TZ": "Asia/Tokyo" if day else "UTC"},
        capture_output=True,
        text=True,
        check=False,
        cwd=output.parent,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_two_processes_two_days_two_folders(tmp_path: Path) -> None:
    features, target = cancer()
    given = {}
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        path = tmp_path / place / "model.joblib"
        joblib.dump(forest(10).fit(features, target), path)
        np.savez(f"{path}.npz", x=features, y=target)
        given[place] = path
    first = package_elsewhere(given["one"], tmp_path / "one" / "a.hgb", 0)
    second = package_elsewhere(given["two"], tmp_path / "two" / "deeper", 9)
    assert first == second == {"digest": first["digest"], "serves": "onnx"}
    archive = (tmp_path / "one" / "a.hgb").read_bytes()
    again = open_bundle(tmp_path / "two" / "deeper").pack(tmp_path / "b.hgb").read_bytes()
    assert archive == again


def test_the_given_bytes_are_kept(package: Any, tmp_path: Path) -> None:
    features, target = cancer()
    path = tmp_path / "fraud.joblib"
    joblib.dump(forest(5).fit(features, target), path, compress=3)
    bundle = package(path)
    assert (bundle.folder / "model.joblib").read_bytes() == path.read_bytes()


def test_an_estimator_in_memory_is_packaged_twice_alike(package: Any) -> None:
    features, target = cancer()
    model = LogisticRegression(max_iter=5000).fit(features, target)
    assert package(model, data=features).digest == package(model, data=features).digest


def test_gaps_in_records_are_blank(tmp_path: Path) -> None:
    """A tree's nodes have seven unused bytes each, which hold what memory held before."""
    features, target = cancer()
    model = forest(2).fit(features, target)
    nodes = model.estimators_[0].tree_.__getstate__()["nodes"]
    assert nodes.dtype.itemsize > sum(nodes.dtype[name].itemsize for name in nodes.dtype.names)
    garbage = nodes.copy()
    garbage.view(np.uint8).reshape(len(nodes), -1)[:, -1] = 0xAB
    holder = {"nodes": garbage, "again": garbage}
    dump_estimator(holder, tmp_path / "x.joblib")
    dump_estimator({"nodes": nodes, "again": nodes}, tmp_path / "y.joblib")
    loaded = joblib.load(tmp_path / "x.joblib")
    assert b"\xab" * 1 not in loaded["nodes"].view(np.uint8).reshape(len(nodes), -1)[:, -1].tobytes()
    assert loaded["nodes"].tolist() == nodes.tolist()
    assert (tmp_path / "x.joblib").read_bytes() == (tmp_path / "y.joblib").read_bytes()
    model_path = tmp_path / "z.joblib"
    dump_estimator(model, model_path)
    assert joblib.load(model_path).predict(features).tolist() == model.predict(features).tolist()


@pytest.mark.parametrize("suffix", ["", ".hgb"])
def test_the_older_bundle_makes_way(suffix: str, package: Any, tmp_path: Path) -> None:
    features, target = cancer()
    goal = tmp_path / f"there{suffix}"
    first = package(LogisticRegression(max_iter=5000).fit(features, target), output=goal)
    second = package(LogisticRegression(max_iter=5000, C=0.5).fit(features, target), output=goal)
    assert open_bundle(goal).digest == second.digest != first.digest
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
