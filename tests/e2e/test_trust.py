"""From `--trust-code` to an endpoint, by the owner and by a stranger, and what a revocation changes."""

from pathlib import Path
from typing import Any

import pytest

import headgate
from headgate.bundle.bundle import Bundle
from headgate.bundle.signing import load_or_create_key, public_text, sign_folder
from headgate.errors import Refused, Untrusted
from headgate.testing.instance import running_instance


class Doubling:
    """Code of its author's choice: it travels by value."""

    def predict(self, rows: Any) -> Any:
        return rows.sum(axis=1) * 2


ROWS = {"a": [1.0, 2.0], "b": [0.5, 0.25]}


def packaged(output: Path, model: Any) -> Bundle:
    """As somebody does it who reads what the refusal says."""
    with pytest.raises(Untrusted, match="--trust-code") as refused:
        headgate.package(model, name="doubling", data=ROWS, output=output)
    names = [each["global"] for each in refused.value.detail]
    return headgate.package(model, name="doubling", data=ROWS, output=output, trust_code=names)


def test_trusted_code_from_package_to_revocation(tmp_path: Path, signing_key: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    # what is in no module that a host could import is pickled by value
    cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["Doubling"]))
    try:
        bundle = packaged(tmp_path / "bundle", Doubling())
    finally:
        cloudpickle.unregister_pickle_by_value(__import__(__name__, fromlist=["Doubling"]))
    stranger = load_or_create_key(tmp_path / "stranger.key")
    with running_instance(tmp_path / "home") as instance, instance.client() as client:
        sign_folder(bundle.folder, stranger)
        with pytest.raises(Untrusted, match="headgate key trust") as refused:
            client.register(bundle)
        assert public_text(stranger) in refused.value.message
        client.keys.trust(public_text(stranger), note="a colleague")
        assert client.register(bundle)["signed_by"]
        client.deploy("doubling:1", "doubling")
        row = {"a": 1.0, "b": 2.0}
        assert client.predict("doubling", [row])["predictions"] == [6.0]
        revoked = client.keys.distrust(public_text(stranger), "it was lost")
        assert revoked["answering"] == ["doubling:1 behind doubling"]
        assert client.predict("doubling", [row])["predictions"] == [6.0]
        with pytest.raises(Refused, match="revoked here"):
            client.deploy("doubling:1", "elsewhere")
