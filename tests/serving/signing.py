"""Requests signed by botocore itself."""

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from headgate.derived_secrets import signing_secret

SUBKEY = bytes(range(32))


def signed(
    key_id: str,
    method: str,
    target: str,
    body: bytes = b"",
    /,
    *,
    secret: str = "",
    service: str = "sagemaker",
    **headers: str,
) -> dict[str, str]:
    """The headers of such a request, with those of the signature; names as `request` takes them."""
    given = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    asked = AWSRequest(method, f"http://localhost{target}", headers=given, data=body)
    credentials = Credentials(key_id, secret or signing_secret(SUBKEY, key_id))
    SigV4Auth(credentials, service, "eu-north-1").add_auth(asked)
    return {name.replace("-", "_"): value for name, value in asked.headers.items() if name != "Host"}
