"""A crafted file of boosted trees ends the host that reads it, and nothing else."""

import random
from pathlib import Path

import numpy as np
import pytest
from tests.serving_hosts.process import TemplateProcess

from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.home import Home
from headgate.records import Column, Signature
from headgate.testing.bundles import BuiltBundle, write_bundle

pytestmark = pytest.mark.heavy
TABLE = np.random.default_rng(0).normal(size=(100, 2))
CRAFTED = 40


def catboost_bundle(cache: Path, content: bytes) -> BuiltBundle:
    manifest = Manifest(
        name="crafted",
        framework="catboost",
        task="regression",
        signature=Signature(inputs=tuple(Column(name=name, dtype="float64") for name in "ab")),
        forms={"native": Form(runtime="catboost", path="model.cbm")},
        serves="native",
        environment=Environment(python="3.11"),
        files={},
    )
    return write_bundle(cache, manifest, {"model.cbm": content})


def test_a_host_that_dies_of_a_crafted_file_takes_nothing_with_it(home: Home) -> None:
    catboost = pytest.importorskip("catboost")
    model = catboost.CatBoostRegressor(
        iterations=5, depth=3, grow_policy="Lossguide", verbose=0, allow_writing_files=False, thread_count=1
    )
    content = model.fit(TABLE, TABLE[:, 0])._serialize_model()
    chance = random.Random(0)
    good = catboost_bundle(home.cache, content)
    template = TemplateProcess(home, good, runtime="catboost")
    try:
        template.hear("preloaded")
        for _ in range(CRAFTED):
            crafted = bytearray(content)
            for place in chance.sample(range(len(crafted)), 3):
                crafted[place] = chance.choice([0, 127, 255])
            template.begin(catboost_bundle(home.cache, bytes(crafted)))
            # whether it is refused, loads or dies of it: it ends, and is heard of
            template.hear("exited", pid=template.fork(smoke=True))
        template.begin(good)
        pid = template.fork(smoke=True)
        template.hear("ready", pid=pid)
        assert template.hear("exited", pid=pid)["status"] == 0
    finally:
        template.end()
