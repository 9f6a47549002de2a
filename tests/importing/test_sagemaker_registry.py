"""Models that SageMaker knows by name: moto's server answers as it does, and another as it does when it refuses."""

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.object_storage import SECRET, S3Server

from headgate.errors import (
    Conflict,
    Forbidden,
    HeadgateError,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unreachable,
    UnsupportedType,
)
from headgate.importing.found import Found
from headgate.importing.locations import Surroundings, find_at
from headgate.importing.sagemaker_registry import find_named

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1.2"


class SageMaker:
    """What is created there, and a bucket with data."""

    def __init__(self, client: Any, bucket: str, server: S3Server) -> None:
        self.client = client
        self._bucket, self._server = bucket, server

    def put(self, key: str, content: bytes) -> str:
        self._server.overwrite(self._bucket, key, content)
        return f"s3://{self._bucket}/{key}"

    def put_archive(self, key: str = "jobs/7/output/model.tar.gz") -> str:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, content in {"model.joblib": b"bytes", "code/inference.py": b"code"}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return self.put(key, packed.getvalue())

    def model(self, name: str, *containers: dict[str, Any], **fields: Any) -> str:
        """Its ARN."""
        told = {"PrimaryContainer": containers[0]} if len(containers) == 1 else {"Containers": list(containers)}
        made = self.client.create_model(ModelName=name, ExecutionRoleArn=ROLE, **told, **fields)
        return str(made["ModelArn"])

    def package(self, group: str, *containers: dict[str, Any], **fields: Any) -> str:
        """Its ARN."""
        self.client.create_model_package_group(ModelPackageGroupName=group)
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        made = self.client.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification={"Containers": list(containers), **types}, **fields
        )
        return str(made["ModelPackageArn"])


@pytest.fixture(scope="module")
def client(s3_server: S3Server) -> Iterator[Any]:
    """One for all: making it takes longer than what it is asked."""
    made = boto3.Session("tests", SECRET, region_name=REGION).client("sagemaker", endpoint_url=s3_server.url)
    yield made
    made.close()


@pytest.fixture
def there(client: Any, bucket: str, s3_server: S3Server, aws_settings: Path) -> SageMaker:
    return SageMaker(client, bucket, s3_server)


def left(found: Found) -> dict[str, str]:
    return {note.what: note.why for note in found.left}


def test_a_model_by_name_or_arn_is_its_archive_with_an_account_of_the_rest(there: SageMaker, tmp_path: Path) -> None:
    url = there.put_archive()
    variables = {"SAGEMAKER_PROGRAM": "inference.py", "PASSWORD": "not to be shown"}
    arn = there.model(
        "fraud-by-name",
        {"Image": IMAGE, "ModelDataUrl": url, "Environment": variables, "ContainerHostname": "one"},
        VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    )
    for place, said in enumerate(["fraud-by-name", arn]):
        around = Surroundings(region=REGION if said == "fraud-by-name" else "eu-west-1")
        found = find_at("sagemaker", said, tmp_path / str(place), around)
        assert (found.name, found.model.name, found.model.read_bytes()) == ("fraud-by-name", "model.joblib", b"bytes")
        assert found.lineage == {"parent_run": f"{arn} {url}"}
        assert set(left(found)) == {
            "code/inference.py", f"image {IMAGE}", "environment SAGEMAKER_PROGRAM", "environment PASSWORD",
            "ExecutionRoleArn", "VpcConfig",
        }  # fmt: skip
        assert "not to be shown" not in str(found)


@pytest.mark.parametrize(
    ("key", "kind", "compression"),
    [
        ("unpacked/model.joblib", "S3Object", "None"),
        ("unpacked/", "S3Prefix", "None"),
        ("archive-without-suffix", "S3Object", "Gzip"),
    ],
)
def test_a_model_data_source_is_an_object_a_prefix_or_an_archive(
    there: SageMaker, tmp_path: Path, key: str, kind: str, compression: str
) -> None:
    url = there.put("unpacked/model.joblib", b"bytes").replace("unpacked/model.joblib", key)
    there.put_archive("archive-without-suffix")
    source = {"S3Uri": url, "S3DataType": kind, "CompressionType": compression}
    there.model("fraud-source", {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}})
    assert find_named("fraud-source", tmp_path, REGION).model.read_bytes() == b"bytes"


@pytest.mark.parametrize(
    "form",
    ["https://{}.s3.us-east-1.amazonaws.com/{}", "https://s3.us-east-1.amazonaws.com/{}/{}"],
)
def test_a_web_address_of_s3_is_read_as_what_it_names(there: SageMaker, tmp_path: Path, form: str) -> None:
    bucket, _, key = there.put_archive().removeprefix("s3://").partition("/")
    there.model("fraud-https", {"Image": IMAGE, "ModelDataUrl": form.format(bucket, key)})
    found = find_named("fraud-https", tmp_path, REGION)
    assert found.model.read_bytes() == b"bytes"
    assert found.lineage["parent_run"].endswith(f" s3://{bucket}/{key}")


def test_data_elsewhere_is_not_fetched(there: SageMaker, tmp_path: Path) -> None:
    there.model("fraud-elsewhere", {"Image": IMAGE, "ModelDataUrl": "https://169.254.169.254/latest/model.tar.gz"})
    with pytest.raises(Malformed, match="in S3"):
        find_named("fraud-elsewhere", tmp_path, REGION)


def test_a_model_package_brings_its_lineage_and_leaves_its_approval(there: SageMaker, tmp_path: Path) -> None:
    url = there.put_archive()
    arn = there.package(
        "churn",
        {"Image": IMAGE, "ModelDataUrl": url, "Framework": "SKLEARN"},
        ModelApprovalStatus="Approved",
        MetadataProperties={"CommitId": "0f3a", "Repository": "git.example.com/churn"},
        CustomerMetadataProperties={"team": "risk"},
    )
    found = find_at("sagemaker", arn, tmp_path, Surroundings())
    assert (found.name, found.model.read_bytes()) == ("churn", b"bytes")
    assert found.lineage == {"parent_run": f"{arn} {url}", "git_commit": "0f3a", "code": "git.example.com/churn"}
    told = left(found)
    assert {"ModelApprovalStatus", "CustomerMetadataProperties", "Framework", f"image {IMAGE}"} <= set(told)
    assert "headgate approve" in told["ModelApprovalStatus"]
    assert "nothing here answers to it" not in told.values()


def test_a_model_made_of_a_package_is_the_packages(there: SageMaker, tmp_path: Path) -> None:
    url = there.put_archive()
    package = there.package("churn-deployed", {"Image": IMAGE, "ModelDataUrl": url, "Environment": {"A": "1"}})
    arn = there.model("churn-live", {"ModelPackageName": package, "Environment": {"B": "2"}})
    found = find_named("churn-live", tmp_path, REGION)
    assert (found.name, found.lineage["parent_run"]) == ("churn-live", f"{arn} {url}")
    assert {"environment A", "environment B"} <= set(left(found))


def test_of_a_chain_the_container_with_a_model_is_taken_and_two_are_not_guessed_at(
    there: SageMaker, tmp_path: Path
) -> None:
    url = there.put_archive()
    with_model = {"Image": IMAGE, "ModelDataUrl": url}
    there.model("chain-of-one", {"Image": "scaler:1"}, with_model)
    assert "container scaler:1" in left(find_named("chain-of-one", tmp_path, REGION))
    there.model("chain-of-two", with_model, {"Image": IMAGE, "ModelDataUrl": "s3://b/second.tar.gz"})
    with pytest.raises(Conflict, match="second"):
        find_named("chain-of-two", tmp_path, REGION)


def test_what_has_no_data_of_its_own_is_refused_with_the_next_step(there: SageMaker, tmp_path: Path) -> None:
    there.model("only-an-image", {"Image": IMAGE})
    with pytest.raises(UnsupportedType, match="container's image"):
        find_named("only-an-image", tmp_path, REGION)


def test_an_endpoint_of_many_models_is_refused_with_the_next_step(there: SageMaker, tmp_path: Path) -> None:
    there.model("many", {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": "s3://b/models/"})
    with pytest.raises(Conflict, match=r"headgate import sagemaker s3://b/models/NAME\.tar\.gz"):
        find_named("many", tmp_path, REGION)


def test_data_that_is_gone_is_said_so(there: SageMaker, tmp_path: Path) -> None:
    there.model("bereft", {"Image": IMAGE, "ModelDataUrl": there.put_archive() + ".old.tar.gz"})
    with pytest.raises(NotFound, match="its data is gone"):
        find_named("bereft", tmp_path, REGION)


def test_data_that_is_not_what_was_registered_is_refused(there: SageMaker, tmp_path: Path) -> None:
    url = there.put_archive()
    source = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip", "ETag": "0123"}
    there.model("changed", {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}})
    with pytest.raises(Conflict, match="not what was registered"):
        find_named("changed", tmp_path, REGION)


def test_a_model_that_is_not_there_is_not_found(there: SageMaker, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder 'nowhere' here.*no such model.*--region"):
        find_at("sagemaker", "nowhere", tmp_path, Surroundings(region=REGION))
    with pytest.raises(NotFound, match="no such model"):
        find_named(f"arn:aws:sagemaker:{REGION}:123456789012:model-package/nowhere/3", tmp_path, "")


def test_a_folder_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fraud").mkdir()
    (tmp_path / "fraud" / "model.joblib").write_bytes(b"local")
    monkeypatch.chdir(tmp_path)
    assert find_at("sagemaker", "fraud", tmp_path / "s", Surroundings()).model.read_bytes() == b"local"


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/fraud", "ARN of a model"),
        ("arn:aws:s3:::bucket/model.tar.gz", "ARN of a model"),
        ("arn:aws:sagemaker:us-east-1:123456789012:model/a b", "ARN of a model"),
        ("arn:aws:sagemaker:us-east-1:123456789012:model-package-group/churn", "list-model-packages"),
    ],
)
def test_an_arn_of_anything_else_is_refused(tmp_path: Path, arn: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        find_at("sagemaker", arn, tmp_path, Surroundings(region=REGION))


class Refusing(BaseHTTPRequestHandler):
    """Answers everything in the same way, as SageMaker does in JSON."""

    status, code, message = 400, "ValidationException", ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = json.dumps({"__type": self.code, "message": self.message}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, aws_settings: Path) -> Iterator[type[Refusing]]:
    class Answering(Refusing):
        """Of this test alone."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        for name, value in s3_server.environment(f"http://127.0.0.1:{listening.server_port}").items():
            monkeypatch.setenv(name, value)
        yield Answering
        listening.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "said"),
    [
        (400, "AccessDeniedException", "User: ann is not authorized", Forbidden, "sagemaker:DescribeModel"),
        (400, "UnrecognizedClientException", "The security token is invalid", Unauthenticated, "aws sso login"),
        (400, "ExpiredTokenException", "The security token is expired", Unauthenticated, "ExpiredToken"),
        (400, "InvalidSignatureException", "The Canonical String should have been…", Unauthenticated, "AWS_PROFILE"),
        (400, "ValidationException", 'Could not find model "arn:aws:…:model/fraud".', NotFound, "--region"),
        (400, "ValidationException", "ModelPackage arn:aws:… does not exist.", NotFound, "--region"),
        (400, "ValidationException", "1 validation error detected", Malformed, "validation error"),
        (400, "ThrottlingException", "Rate exceeded", Unavailable, "Try again"),
        (500, "InternalFailure", "", Unavailable, "InternalFailure"),
    ],
)
def test_what_sagemaker_refuses_is_said_with_the_next_step(
    refusing: type[Refusing], tmp_path: Path, status: int, code: str, message: str, kind: type[HeadgateError], said: str
) -> None:
    refusing.status, refusing.code, refusing.message = status, code, message
    with pytest.raises(kind, match=said) as caught:
        find_named("fraud", tmp_path, REGION)
    assert SECRET not in caught.value.message
    assert "Canonical" not in caught.value.message


def test_nobody_there_is_said(there: SageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="region"):
        find_named("fraud", tmp_path, REGION)


def test_no_credentials_no_region_and_no_such_profile_are_said(
    aws_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Malformed, match="--region"):
        find_named("fraud", tmp_path, "")
    with pytest.raises(Malformed, match="--region"):
        find_named("fraud", tmp_path, "not a region")
    with pytest.raises(Unauthenticated, match="AWS_ACCESS_KEY_ID"):
        find_named("fraud", tmp_path, REGION)
    with pytest.raises(Unauthenticated, match="AWS_ACCESS_KEY_ID"):
        find_at("triton", "s3://bucket/forest", tmp_path, Surroundings(region=REGION))
    monkeypatch.setenv("AWS_PROFILE", "risk")
    with pytest.raises(Unauthenticated, match="risk"):
        find_named("fraud", tmp_path, REGION)


def test_a_profile_says_who_asks_sagemaker_and_s3(
    there: SageMaker, tmp_path: Path, aws_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.model("by-profile", {"Image": IMAGE, "ModelDataUrl": there.put_archive()})
    (aws_settings / "config").write_text(f"[profile risk]\nregion = {REGION}\n")
    (aws_settings / "credentials").write_text("[risk]\naws_access_key_id = risk\naws_secret_access_key = hidden\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "risk")
    found = find_at("sagemaker", "by-profile", tmp_path, Surroundings())
    assert found.model.read_bytes() == b"bytes"
