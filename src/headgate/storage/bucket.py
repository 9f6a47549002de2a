"""Buckets of S3 and what speaks like it, Google's, Azure's: opened by URL, and what their library's errors say."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import from_url

from headgate.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3CredentialProvider
    from obstore.store import ObjectStore as Backend

WAIT_FOR_CONNECTION, WAIT_FOR_BYTES = timedelta(seconds=5), timedelta(seconds=15)
RETRIES, RETRY_FOR = 5, timedelta(seconds=30)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=5)
# of one request with all its bytes; what stalls is ended long before
_LONGEST_REQUEST = timedelta(hours=1)
_UNANSWERED, _TOO_LONG = "nothing answers there", "it took too long"
_REASONS = {
    "Account must be": "AZURE_STORAGE_ACCOUNT_NAME is not set",
    "without LOCATION": "it lies in another region, set AWS_REGION",
    "Connect": _UNANSWERED,
    "timed out": _TOO_LONG,
    "Timeout": _TOO_LONG,
}
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>", re.ASCII)


def open_bucket(
    location: str,
    retry_for: timedelta = RETRY_FOR,
    patience: timedelta = WAIT_FOR_BYTES,
    *,
    region: str = "",
    identity: "S3CredentialProvider | None" = None,
) -> "Backend":
    """The bucket of `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`; nothing is asked yet.

    Who asks, and in which region, is said by the environment where it is not given. Raises `Malformed` for a URL that
    names no bucket or holds credentials or settings, `Unavailable` where the environment lacks something.
    """
    parts = urlsplit(location)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Malformed(
            f"Expected a URL without credentials and settings, such as {parts.scheme}://bucket/prefix. Put them into "
            "the environment, for S3 as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION."
        )
    if not parts.netloc:
        raise Malformed(f"The URL names no bucket: expected {parts.scheme}://bucket/prefix.")
    client: ClientConfig = {
        # whoever names an http endpoint in the environment means it
        "allow_http": True,
        "connect_timeout": WAIT_FOR_CONNECTION,
        "read_timeout": patience,
        "timeout": _LONGEST_REQUEST,
    }
    retry: RetryConfig = {
        "max_retries": RETRIES,
        "retry_timeout": retry_for,
        "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
    }
    config: S3Config | None = {"region": region} if region else None
    try:
        return from_url(
            location, config=config, client_options=client, retry_config=retry, credential_provider=identity
        )
    except BaseError as error:
        raise Unavailable(f"{location} could not be used: {what_it_said(error)}.", retry_after=2.0) from None


def what_it_said(error: Exception) -> str:
    """What the store answered, as a word: never what it quotes, for some stores sign the URLs that they quote."""
    text = str(error)
    for pattern in (_CODE, _STATUS):
        if found := pattern.search(text):
            return found[1] if pattern is _CODE else f"HTTP {found[1]}"
    return next((words for mark, words in _REASONS.items() if mark in text), type(error).__name__)


def is_unanswered(said: str) -> bool:
    """Whether that means that nobody is there."""
    return said in (_UNANSWERED, _TOO_LONG)
