"""A file of boosted trees that ends whoever reads it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TABLE = np.random.default_rng(0).normal(size=(100, 2))
# changes bytes of a model in one child after the other, until one dies of what it reads
SEARCH = """
import os, random, sys
import catboost
content = open(sys.argv[1], "rb").read()
for seed in range(400):
    chance, crafted = random.Random(seed), bytearray(content)
    for place in chance.sample(range(len(crafted)), 3):
        crafted[place] = chance.choice([0, 127, 255])
    pid = os.fork()
    if pid == 0:
        try:
            model = catboost.CatBoost()
            model.load_model(blob=bytes(crafted))
            model.predict([[1.0, 2.0]], thread_count=1)
        finally:
            os._exit(0)
    if os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
        open(sys.argv[1], "wb").write(crafted)
        break
else:
    sys.exit("no change ends it")
"""


def deadly_catboost(folder: Path) -> bytes:
    """A changed model of CatBoost that kills with a signal; skips where none is found."""
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostRegressor(
        iterations=5, depth=3, grow_policy="Lossguide", verbose=0, allow_writing_files=False, thread_count=1
    )
    folder.mkdir()
    path = folder / "model.cbm"
    path.write_bytes(model.fit(TABLE, TABLE[:, 0])._serialize_model())
    found = subprocess.run([sys.executable, "-c", SEARCH, str(path)], capture_output=True, check=False, timeout=100)
    if found.returncode:
        pytest.skip(f"CatBoost survives all that was tried: {found.stderr.decode()[-200:]}")
    return path.read_bytes()
