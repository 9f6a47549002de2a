"""An S3 that the tests start: moto's server as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import httpx2
import pytest

from headgate.client.local import free_ports
from headgate.testing.instance import until

SECRET = "the-secret-of-the-object-store"
# moto reads nothing of it but that there is one
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}
_numbers = count()


class S3Server:
    """A running server, and what a client of it needs in its environment."""

    def __init__(self, url: str) -> None:
        self.url = url

    def environment(self, url: str | None = None) -> dict[str, str]:
        """As clients of S3 are told where it is and who they are."""
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self) -> str:
        """The name of a new, empty one."""
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        httpx2.put(f"{self.url}/{name}", headers=_SIGNED).raise_for_status()
        return name

    def objects(self, bucket: str) -> list[str]:
        """The keys in it, in order."""
        text = httpx2.get(f"{self.url}/{bucket}?list-type=2", headers=_SIGNED).raise_for_status().text
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]

    def uploads(self, bucket: str) -> int:
        """Uploads in parts that were begun and neither completed nor aborted."""
        return httpx2.get(f"{self.url}/{bucket}?uploads", headers=_SIGNED).raise_for_status().text.count("<UploadId>")

    def overwrite(self, bucket: str, key: str, content: bytes) -> None:
        """Change an object behind everybody's back."""
        httpx2.put(f"{self.url}/{bucket}/{key}", headers=_SIGNED, content=content).raise_for_status()

    def wipe(self, bucket: str) -> None:
        """Remove every object."""
        for key in self.objects(bucket):
            httpx2.delete(f"{self.url}/{bucket}/{key}", headers=_SIGNED).raise_for_status()


@contextmanager
def running_s3(log: Path) -> Iterator[S3Server]:
    """Skips, with the reason, where moto or obstore is not installed."""
    for module in ("moto", "flask", "obstore"):
        if find_spec(module) is None:
            pytest.skip(
                f"no S3 to test with: pip install 'headgate[s3]' 'moto[s3]' flask flask-cors ({module} is missing)"
            )
    (port,) = free_ports(1)
    with log.open("wb") as output:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    server = S3Server(f"http://127.0.0.1:{port}")
    try:
        until(lambda: process.poll() is not None or httpx2.get(server.url).status_code, "moto's server")
        if process.poll() is not None:
            pytest.fail(f"moto's server did not start: {log.read_text()[-2000:]}")
        yield server
    finally:
        process.kill()
        process.wait(30)
