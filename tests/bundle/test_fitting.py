"""Which installed packages a bundle runs with."""

import msgspec
import pytest

from headgate.bundle.fitting import misfits, python_version, require_fit
from headgate.bundle.manifest import Environment, Form, Manifest
from headgate.errors import EnvironmentMismatch
from headgate.records import Signature

PACKAGES = {"scikit-learn": "1.9.1", "numpy": "2.4.6", "scipy": "1.17.1", "joblib": "1.6.0", "their-code": "0.3"}


def manifest(trusted: tuple[str, ...] = (), runtime: str = "sklearn") -> Manifest:
    return Manifest(
        name="m",
        framework="scikit-learn",
        task="other",
        signature=Signature(inputs=()),
        forms={"native": Form(runtime=runtime, path="m"), "onnx": Form(runtime="onnx", path="n")},
        serves="native",
        environment=Environment(python="3.11", packages=PACKAGES, direct=("scikit-learn", "their-code")),
        files={},
        trusted_code=trusted,
    )


def said(here: dict[str, str | None], form: str = "native", python: str = "3.11", trusted: tuple[str, ...] = ()) -> str:
    installed = {**PACKAGES, **here}
    return ", ".join(map(str, misfits(manifest(trusted), form, installed.get, python)))


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        ({}, ""),
        ({"scikit-learn": "1.9.0"}, ""),
        ({"scikit-learn": "1.9"}, ""),
        ({"scikit-learn": "1.8.3"}, "scikit-learn 1.9.1 (here is 1.8.3)"),
        ({"scikit-learn": "1.10.0"}, "scikit-learn 1.9.1 (here is 1.10.0)"),
        ({"scikit-learn": None}, "scikit-learn 1.9.1 (here is none)"),
        ({"numpy": "2.2.0"}, ""),
        ({"numpy": "1.26.4"}, "numpy 2.4.6 (here is 1.26.4)"),
        ({"numpy": "1.26.4", "their-code": "0.4.1"}, "numpy 2.4.6 (here is 1.26.4), their-code 0.3 (here is 0.4.1)"),
        ({"their-code": "0.3.0+local"}, ""),
        # what the model does not name itself may differ, or not be there
        ({"joblib": None}, ""),
    ],
)
def test_the_host_fits_or_both_versions_are_named(here: dict[str, str | None], expected: str) -> None:
    assert said(here) == expected


def test_a_compiled_form_needs_none_of_them() -> None:
    assert said(dict.fromkeys(PACKAGES), form="onnx", python="3.14", trusted=("a.b",)) == ""


def test_python_counts_where_a_pickle_holds_code() -> None:
    assert said({}, python="3.12") == ""
    assert said({}, python="3.12", trusted=("a.b",)) == "Python 3.11 (here is 3.12)"


def test_who_loads_it_alone_is_told_what_to_do() -> None:
    other = Environment(python=python_version(), packages={"headgate-ghost": "1.2"}, direct=("headgate-ghost",))
    with pytest.raises(EnvironmentMismatch, match=r"headgate-ghost 1\.2 \(here is none\).*'headgate-ghost==1\.2'"):
        require_fit(msgspec.structs.replace(manifest(), environment=other), "native")
    require_fit(msgspec.structs.replace(manifest(), environment=other), "onnx")
