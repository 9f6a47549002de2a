"""How models are called in SageMaker: a name, or the ARN of a model or of a model package."""

import re
from typing import Final, Literal, NamedTuple

from headgate.errors import Malformed
from headgate.names import shown

_NAME = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):[0-9]*:(?P<kind>[a-z-]+)/(?P<name>\S+)", re.ASCII)
MODEL: Final = "model"
PACKAGE: Final = "model-package"
GROUP: Final = "model-package-group"


class Called(NamedTuple):
    """What is asked for."""

    kind: Literal["model", "model-package"]
    name: str  # as SageMaker is asked for it
    region: str = ""  # empty where the name does not say it


def is_arn(text: str) -> bool:
    """Whether it begins as one."""
    return text.startswith("arn:")


def is_model_name(text: str) -> bool:
    """Whether a model of SageMaker can be called so."""
    return _NAME.fullmatch(text) is not None


def read_name(text: str) -> Called:
    """Raises `Malformed` for an ARN of anything else, with the next step."""
    if is_model_name(text):
        return Called(MODEL, text)
    found = _ARN.fullmatch(text)
    if found and found["kind"] == MODEL and is_model_name(found["name"]):
        return Called(MODEL, found["name"], found["region"])
    if found and found["kind"] == PACKAGE:
        return Called(PACKAGE, text, found["region"])
    if found and found["kind"] == GROUP:
        raise Malformed(
            f"{shown(text)} is a group of model packages: give the ARN of one of them, which `aws sagemaker "
            f"list-model-packages --model-package-group-name {shown(found['name'])}` shows."
        )
    raise Malformed(f"Expected the ARN of a model or of a model package of SageMaker, got {shown(text, 200)}.")
