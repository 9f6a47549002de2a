"""A product's model in object storage: its files fetched, then read as a folder or archive of this machine."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headgate.importing.found import Found, Note
from headgate.importing.objects import WHOLE, Fetching, fetch
from headgate.importing.registry import find_model, named
from headgate.importing.sagemaker import as_model_data
from headgate.importing.triton import needed

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider

UNSIGNED = "AWS_SKIP_SIGNATURE"


def find_in_bucket(product: str, url: str, scratch: Path, region: str, environment: Mapping[str, str]) -> Found:
    """What the product keeps at the URL; raises what `fetch` and its reader raise."""
    how = Fetching(region=region, identity=_identity(url, region, environment))
    found = find_model(product, _fetched(product, url, scratch / "fetched", how), scratch)
    run = " ".join(filter(None, (found.lineage.get("parent_run"), url)))
    return replace(
        found,
        name=found.name or Path(urlsplit(url).path).name.partition(".")[0],
        lineage={**found.lineage, "parent_run": run},
        taken=(Note(url, "lineage.parent_run"), *found.taken),
    )


def fetch_folder(url: str, folder: Path, region: str, environment: Mapping[str, str]) -> Path:
    """All files below the URL, in a folder of its name; raises what `fetch` raises."""
    return fetch(url, folder, Fetching(region=region, identity=_identity(url, region, environment)))


def _fetched(product: str, url: str, folder: Path, how: Fetching) -> Path:
    """What the product's reader takes."""
    if product == "triton":
        return _version_of_triton(url, folder, how)
    place = fetch(url, folder, how)
    return as_model_data(place, packed=False) if product == "sagemaker" else place


def _version_of_triton(url: str, folder: Path, how: Fetching) -> Path:
    """A repository may hold many versions, of which one is wanted; its configuration lies beside them."""
    model, _, version = url.rstrip("/").rpartition("/")
    if not version.isdecimal():
        model, version = url, ""
    choose = partial(needed, version=version)
    return fetch(model, folder, replace(how, choose=choose)) / version


def _identity(url: str, region: str, environment: Mapping[str, str]) -> "S3CredentialProvider | None":
    """Who asks, where boto3 is there to find it: then profiles and single sign-on count, not only the environment."""
    if urlsplit(url).scheme != "s3" or environment.get(UNSIGNED) or find_spec("boto3") is None:
        return WHOLE.identity
    identity: S3CredentialProvider = named("headgate.importing.aws:Account")(region).identity()
    return identity
