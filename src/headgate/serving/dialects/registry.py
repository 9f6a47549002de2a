"""The table of dialects: short name → where it lives, imported on use."""

import importlib
from importlib.metadata import entry_points

from headgate.errors import NotFound
from headgate.serving.dialects.dialect import Configured, Dialect
from headgate.settings import Settings

GROUP = "headgate.dialects"
# where several are spoken at one address the first one answers, unless the endpoint's spec names another
DIALECTS: dict[str, str] = {
    "oip": "headgate.serving.dialects.oip:OpenInference",
    "tfs": "headgate.serving.dialects.tfs:TensorFlowServing",
    "kserve": "headgate.serving.dialects.kserve:KServe",
    "mlflow": "headgate.serving.dialects.mlflow:MLflow",
    "torchserve": "headgate.serving.dialects.torchserve:TorchServe",
    "vertex": "headgate.serving.dialects.vertex:Vertex",
    "azureml": "headgate.serving.dialects.azureml:AzureML",
    "sagemaker": "headgate.serving.dialects.sagemaker:SageMaker",
    "sagemaker-runtime": "headgate.serving.dialects.sagemaker_runtime:SageMakerRuntime",
}


def dialect_names() -> dict[str, str]:
    """Every dialect that is spoken, ours first; installed plug-ins cannot replace one of ours."""
    plugged = {point.name: point.value for point in entry_points(group=GROUP)}
    return DIALECTS | {name: value for name, value in plugged.items() if name not in DIALECTS}


def load_dialect(name: str) -> Dialect:
    """The dialect of that name; raises `NotFound` for a name nobody declared, or one that cannot be imported."""
    names = dialect_names()
    if name not in names:
        raise NotFound(f"There is no dialect {name!r}; there are: {', '.join(names)}. Is its package installed?")
    module, _, attribute = names[name].partition(":")
    try:
        dialect: Dialect = getattr(importlib.import_module(module), attribute)()
    except Exception as error:
        raise NotFound(f"Dialect {name!r} is declared as {names[name]}, which cannot be used: {error}.") from error
    return dialect


def load_dialects(settings: Settings) -> tuple[Dialect, ...]:
    """All of them, in the order of the table."""
    dialects = tuple(load_dialect(name) for name in dialect_names())
    for dialect in dialects:
        if isinstance(dialect, Configured):
            dialect.configure(settings)
    return dialects
