"""An account of AWS as boto3 finds it: environment, profile, single sign-on, role; and boto3's errors in our words."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    InvalidRegionError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from obstore.auth.boto3 import Boto3CredentialProvider

from headgate.errors import Forbidden, HeadgateError, Malformed, NotFound, Unauthenticated, Unavailable, Unreachable
from headgate.importing.arns import MODEL, Called
from headgate.names import shown

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider

BOUNDS = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
NEXT_STEP = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run `aws sso login`; "
    "`aws sts get-caller-identity` says who you are."
)
NO_CREDENTIALS = (
    NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound, SSOError, LoginError,
    TokenRetrievalError,
)  # fmt: skip
NOT_KNOWN = {
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidSignatureException",
    "SignatureDoesNotMatch", "IncompleteSignature", "ExpiredToken", "ExpiredTokenException", "InvalidToken",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException", "AuthFailure",
}  # fmt: skip
NOT_ALLOWED = {"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"}
# SageMaker answers a request for what is not there as one that is not valid
NOT_THERE = ("could not find", "does not exist", "not found", "cannot find")
MESSAGE = 300  # letters of AWS's own words


class Account:
    """What is asked of one region. Any method raises the errors that `_translated` names."""

    def __init__(self, region: str = "") -> None:
        with _translated("AWS"):
            self._session = boto3.Session(region_name=region or None)

    @property
    def region(self) -> str:
        """The one that is asked; empty where nothing says it."""
        return str(self._session.region_name or "")

    def describe(self, called: Called) -> dict[str, Any]:
        """What SageMaker says of the model or model package."""
        with _translated(f"SageMaker in {self.region}"), closing(self._sagemaker()) as client:
            answer = (
                client.describe_model(ModelName=called.name)
                if called.kind == MODEL
                else client.describe_model_package(ModelPackageName=called.name)
            )
        return dict(answer)

    def identity(self) -> "S3CredentialProvider":
        """Who asks, for the client of object storage: asked once now, and again when it is due."""
        with _translated("AWS"):
            if self._session.get_credentials() is None:
                raise NoCredentialsError
            provider = Boto3CredentialProvider(self._session)
            provider()
        return provider

    def _sagemaker(self) -> Any:
        if not self.region:
            raise NoRegionError
        return self._session.client("sagemaker", config=BOUNDS)


@contextmanager
def _translated(who: str) -> Iterator[None]:
    """Raises `Unauthenticated`, `Forbidden`, `NotFound`, `Malformed`, `Unreachable`, `Unavailable`, `HeadgateError`."""
    try:
        yield
    except ClientError as error:
        raise _translate(who, error) from None
    except NO_CREDENTIALS as error:
        raise Unauthenticated(f"There are no credentials for {who}: {error}. {NEXT_STEP}") from None
    except (NoRegionError, InvalidRegionError) as error:
        raise Malformed(f"{error} Give --region, or set AWS_REGION.") from None
    except (ConnectionError, HTTPClientError) as error:
        raise Unreachable(f"{who} cannot be reached: {error}. Is the region, or AWS_ENDPOINT_URL, right?") from None
    except BotoCoreError as error:
        raise HeadgateError(f"{who} could not be asked: {error}.") from None


def _translate(who: str, error: ClientError) -> HeadgateError:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), shown(str(told.get("Message", "")), MESSAGE)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in NOT_KNOWN:
        # what is said besides may quote the request
        return Unauthenticated(f"{who} does not take these credentials ({code}). {NEXT_STEP}")
    if code in NOT_ALLOWED:
        return Forbidden(
            f"{who} refuses: {message}. Ask for the rights sagemaker:DescribeModel and sagemaker:DescribeModelPackage, "
            "and s3:GetObject and s3:ListBucket where the model's data is."
        )
    if code.startswith("ResourceNotFound") or any(words in message.lower() for words in NOT_THERE):
        return NotFound(f"{who} has no such model: {message}. Is the name right, and the region (--region)?")
    if status >= 500 or "Throttl" in code:
        return Unavailable(f"{who} could not answer ({code}). Try again.", retry_after=2.0)
    return Malformed(f"{who} answered {code}: {message}.")
