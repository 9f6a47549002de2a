"""The bill of materials of a bundle: CycloneDX 1.6, without serial number and time, so that the same bundle has one."""

from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from headgate.bundle.manifest import Manifest
from headgate.packaging.environment import required_by

SPEC = "1.6"
SCHEMA = f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json"


def bill_of_materials(manifest: Manifest) -> dict[str, Any]:
    """The model with the digests of its files, Python, and every package with what it requires."""
    packages = manifest.environment.packages
    references = {name: f"pkg:pypi/{name}@{version.replace('+', '%2B')}" for name, version in packages.items()}
    model = f"model:{manifest.name}"
    python = {"type": "platform", "bom-ref": "python", "name": "python", "version": manifest.environment.python}
    needed = [references[name] for name in packages]
    requires = {
        references[name]: sorted(references[other] for other in required_by(name) if other in references)
        for name in packages
    }
    depends = {model: sorted(["python", *needed]), "python": [], **requires}
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {"component": {**_model(manifest), "bom-ref": model}},
        "components": [python, *(_package(name, packages[name], references[name]) for name in sorted(packages))],
        "dependencies": [{"ref": ref, "dependsOn": on} for ref, on in sorted(depends.items())],
    }


def _model(manifest: Manifest) -> dict[str, Any]:
    files = sorted({form.path for form in manifest.forms.values() if form.path})
    parts = [
        {
            "type": "file",
            "bom-ref": f"file:{path}",
            "name": path,
            "hashes": [{"alg": "SHA-256", "content": manifest.files[path].sha256}],
        }
        for path in files
        if path in manifest.files
    ]
    return {"type": "machine-learning-model", "name": manifest.name, "components": parts}


def _package(name: str, version: str, reference: str) -> dict[str, Any]:
    found = {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}
    try:
        said = metadata(name).get_all("License-Expression") or []
    except PackageNotFoundError:
        said = []
    return found | ({"licenses": [{"expression": said[0]}]} if said else {})
