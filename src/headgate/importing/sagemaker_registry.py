"""Models and model packages that SageMaker knows: what it says of them, and their data, fetched from S3.

Source: the answers of `DescribeModel` and `DescribeModelPackage`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headgate.errors import Conflict, Malformed, NotFound, UnsupportedType
from headgate.importing.arns import PACKAGE, Called, read_name
from headgate.importing.aws import Account
from headgate.importing.found import Found, Note
from headgate.importing.objects import Fetching, fetch
from headgate.importing.sagemaker import as_model_data, find
from headgate.names import shown

# how S3 may be written as a web address: the bucket in the host, or first in the path
_HTTPS = (
    re.compile(r"https://(?P<bucket>[^/]+?)\.s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(?P<key>.+)"),
    re.compile(r"https://s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(?P<bucket>[^/]+)/(?P<key>.+)"),
)
IMAGE = "a model here runs without a container: its packages are locked from what is installed here"
CODE_VARIABLES = ("SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY")
CODE = "code of the container: put what it does into a .py that defines `model`"
VARIABLE = "a variable of the container: a model here is told nothing by variables"
MEASURED, BASELINE = "quality is measured when it is packaged: --holdout", "made when it is packaged: --data"
# what is said of a model, a package or one of their containers, and is said otherwise here or means nothing elsewhere
SILENT = {
    "ModelName", "ModelArn", "PrimaryContainer", "Containers", "ResponseMetadata", "CreationTime", "CreatedBy",
    "LastModifiedTime", "LastModifiedBy", "ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion",
    "ModelPackageArn", "ModelPackageRegistrationType", "ModelPackageStatus", "ModelPackageStatusDetails",
    "InferenceSpecification", "InferenceSpecificationName", "MetadataProperties", "SkipModelValidation", "SourceUri",
    "Image", "Environment", "ModelDataUrl", "ModelDataSource", "ModelDataETag", "ContainerHostname", "Mode",
}  # fmt: skip
BECOMES = {
    "ExecutionRoleArn": "a role of AWS has no meaning here: `headgate actor` and `headgate key` say who may what",
    "VpcConfig": "where it is served is the node's: `headgate up --host`",
    "EnableNetworkIsolation": "where it is served is the node's: `headgate up --host`",
    "InferenceExecutionConfig": "one container's model is imported",
    "DeploymentRecommendation": "instances of AWS",
    "ImageConfig": IMAGE,
    "ImageDigest": IMAGE,
    "MultiModelConfig": "an endpoint here answers with one model, and several endpoints share a node",
    "ContainerMetricsConfig": "metrics are at /metrics of every worker",
    "AdditionalModelDataSources": "one model is packaged; import the others by their own URLs",
    "AdditionalS3DataSource": "one model is packaged; import the others by their own URLs",
    "Framework": "said by the model's file",
    "FrameworkVersion": "packages are locked from what is installed here",
    "ModelInput": "what the model takes is asked of the model, or of --data",
    "ModelApprovalStatus": "every version is approved here anew: `headgate approve`",
    "ApprovalDescription": "every version is approved here anew: `headgate approve`",
    "ModelMetrics": MEASURED,
    "DriftCheckBaselines": BASELINE,
    "ModelCard": "written when it is packaged",
    "ModelPackageDescription": "`headgate model update` describes a model",
    "CustomerMetadataProperties": "`headgate model update` gives tags",
    "Domain": "`headgate model update` gives tags",
    "Task": "said by the model itself",
    "SamplePayloadUrl": "what the model takes is asked of the model, or of --data",
    "ValidationSpecification": "golden requests are asked before a version takes traffic",
    "AdditionalInferenceSpecifications": "one model is packaged",
    "SourceAlgorithmSpecification": "algorithms of AWS's marketplace stay there",
    "ModelLifeCycle": "a version's state here: `headgate approve`, `headgate model retire`",
    "SecurityConfig": "keys of AWS; what is fetched is decrypted by S3",
}


@dataclass(frozen=True)
class Chosen:
    """The container whose model is imported."""

    container: Mapping[str, Any]
    # what SageMaker says: of the model, and of the package that it was made from
    said: tuple[Mapping[str, Any], ...]
    others: tuple[Note, ...]


@dataclass(frozen=True)
class Data:
    """Where a container's model lies."""

    url: str
    packed: bool  # as a tar
    tag: str = ""


def find_named(text: str, scratch: Path, region: str) -> Found:
    """The model that SageMaker knows by this name or ARN.

    Raises what `Account` and `fetch` raise, `Conflict` where several containers hold models, `UnsupportedType` for
    what has no model's data of its own.
    """
    called = read_name(text)
    account = Account(called.region or region)
    described = account.describe(called)
    chosen = _chosen(account, called, described)
    data = _data(called, chosen.container)
    found = _fetched(data, account, scratch)
    arn = str(described.get("ModelArn") or described.get("ModelPackageArn") or text)
    return replace(
        found,
        name=_name(described),
        lineage=_lineage(f"{arn} {data.url}", chosen.said),
        taken=(Note(arn, "lineage.parent_run"), Note(data.url, "lineage.parent_run"), *found.taken),
        left=(*found.left, *_left(chosen)),
    )


def _chosen(account: Account, called: Called, said: Mapping[str, Any]) -> Chosen:
    """The one container with a model's data, or with a package that has it."""
    containers = _containers(said)
    holding = [each for each in containers if _url(each) or each.get("ModelPackageName")]
    if not holding:
        raise UnsupportedType(
            f"{shown(called.name, 200)} has no model's data: the model is inside of its container's image, or AWS "
            "brought it. Import the file that it was built from."
        )
    if len(holding) > 1:
        places = ", ".join(_url(each) or str(each["ModelPackageName"]) for each in holding)
        raise Conflict(f"{shown(called.name, 200)} is a chain of models: {places}. Import each of them by that.")
    others = tuple(_other(each) for each in containers if each is not holding[0])
    if _url(holding[0]):
        return Chosen(holding[0], (said,), others)
    return _of_package(account, called.region, holding[0], Chosen(holding[0], (said,), others))


def _containers(said: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if packaged := said.get("InferenceSpecification", {}).get("Containers", []):
        return list(packaged)
    primary = said.get("PrimaryContainer")
    return [primary] if primary else list(said.get("Containers", []))


def _of_package(account: Account, region: str, container: Mapping[str, Any], chosen: Chosen) -> Chosen:
    """A container that only names a package: its model, with the variables of both."""
    called = Called(PACKAGE, container["ModelPackageName"], region)
    package = account.describe(called)
    wanted = container.get("InferenceSpecificationName")
    several = package.get("AdditionalInferenceSpecifications", [])
    specified = [each for each in several if wanted and each.get("Name") == wanted]
    said = {**package, "InferenceSpecification": specified[0]} if specified else package
    if not any(map(_url, _containers(said))):
        raise UnsupportedType(f"{shown(called.name, 200)} has no model's data. Import the file that it was built from.")
    inner = _chosen(account, called, said)
    variables = {**inner.container.get("Environment", {}), **container.get("Environment", {})}
    return Chosen(
        {**inner.container, "Environment": variables}, (*chosen.said, *inner.said), (*chosen.others, *inner.others)
    )


def _other(container: Mapping[str, Any]) -> Note:
    name = container.get("ContainerHostname") or container.get("Image") or "without a name"
    return Note(f"container {name}", "it holds no model")


def _url(container: Mapping[str, Any]) -> str:
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(source.get("S3Uri") or container.get("ModelDataUrl") or "")


def _data(called: Called, container: Mapping[str, Any]) -> Data:
    url = _url(container)
    if container.get("Mode") == "MultiModel":
        raise Conflict(
            f"{shown(called.name, 200)} answers with any of the models at {url}. Import each of them by its own URL: "
            f"headgate import sagemaker {url.rstrip('/')}/NAME.tar.gz"
        )
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    packed = source.get("CompressionType", "Gzip") == "Gzip"
    tag = source.get("ETag") or container.get("ModelDataETag") or ""
    return Data(_as_s3(url), packed, str(tag))


def _as_s3(url: str) -> str:
    if url.startswith("s3://"):
        return url
    for pattern in _HTTPS:
        if found := pattern.fullmatch(url):
            return f"s3://{found['bucket']}/{found['key']}"
    raise Malformed(f"Expected the model's data in S3, got {shown(url, 200)}. Copy it, and import the copy.")


def _fetched(data: Data, account: Account, scratch: Path) -> Found:
    how = Fetching(region=account.region, identity=account.identity(), tag=data.tag)
    try:
        place = fetch(data.url, scratch / "fetched", how)
    except NotFound as error:
        raise NotFound(f"SageMaker still knows the model, but its data is gone. {error.message}") from error
    return find(as_model_data(place, data.packed), scratch)


def _name(described: Mapping[str, Any]) -> str:
    for field in ("ModelName", "ModelPackageGroupName", "ModelPackageName"):
        if described.get(field):
            return str(described[field])
    return ""


def _lineage(run: str, said: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    made: Mapping[str, Any] = next((each["MetadataProperties"] for each in said if each.get("MetadataProperties")), {})
    lineage = {"parent_run": run, "git_commit": made.get("CommitId"), "code": made.get("Repository")}
    return {name: str(value) for name, value in lineage.items() if value}


def _left(chosen: Chosen) -> Iterator[Note]:
    if image := chosen.container.get("Image"):
        yield Note(f"image {image}", IMAGE)
    for said in (*chosen.said, chosen.container):
        for name, value in said.items():
            if value and name not in SILENT:
                yield Note(name, BECOMES.get(name, "nothing here answers to it"))
    # their values may be secrets
    for name in chosen.container.get("Environment", {}):
        yield Note(f"environment {name}", CODE if name in CODE_VARIABLES else VARIABLE)
    yield from chosen.others
