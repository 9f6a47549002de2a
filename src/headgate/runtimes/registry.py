"""The table of runtimes: short name → where its adapter lives, imported on use."""

import importlib
from importlib.metadata import entry_points

from headgate.errors import NotFound
from headgate.runtimes.boundary import foreign
from headgate.runtimes.runtime import Runtime

GROUP = "headgate.runtimes"
RUNTIMES: dict[str, str] = {
    "onnx": "headgate.runtimes.onnx:OnnxRuntime",
    "sklearn": "headgate.runtimes.sklearn:SklearnRuntime",
    "python": "headgate.runtimes.python:PythonRuntime",
    "xgboost": "headgate.runtimes.xgboost:XgboostRuntime",
    "lightgbm": "headgate.runtimes.lightgbm:LightgbmRuntime",
    "catboost": "headgate.runtimes.catboost:CatboostRuntime",
    "pmml": "headgate.runtimes.pmml:PmmlRuntime",
    "torch": "headgate.runtimes.torch:TorchRuntime",
    "keras": "headgate.runtimes.keras:KerasRuntime",
    "transformers": "headgate.runtimes.transformers:TransformersRuntime",
}


def runtime_names() -> dict[str, str]:
    """Every runtime that can be named here, installed plug-ins included; ours cannot be replaced by one."""
    return {point.name: point.value for point in entry_points(group=GROUP)} | RUNTIMES


def load_runtime(name: str) -> Runtime:
    """The runtime of that name.

    Raises `NotFound` for a name nobody declared, `ModelError` when its module cannot be imported or does not hold it.
    """
    names = runtime_names()
    if name not in names:
        raise NotFound(
            f"There is no runtime {name!r}; there are: {', '.join(sorted(names))}. Is its package installed?"
        )
    module_name, _, attribute = names[name].partition(":")
    with foreign(f"Runtime {name!r} cannot be imported from {module_name}", str, "."):
        module = importlib.import_module(module_name)
    with foreign(f"Runtime {name!r} is declared as {names[name]}, which is not one", str, "."):
        runtime: Runtime = getattr(module, attribute)()
    return runtime
