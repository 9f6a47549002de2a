"""Where a model is: a folder or file of this machine, a URL of object storage, or a name that the product knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.errors import Malformed, NotFound, Unauthenticated, Unavailable
from headgate.importing.arns import is_arn, is_model_name
from headgate.importing.folder import BUCKETS
from headgate.importing.found import Found
from headgate.importing.registry import find_model, named
from headgate.importing.tracking import fetch_model, is_model_uri
from headgate.names import shown


@dataclass(frozen=True)
class Surroundings:
    """What is said beside the location."""

    tracking_url: str = ""
    region: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def fetch(self, url: str, folder: Path) -> Path:
        """All files below a URL of object storage."""
        fetched: Path = named("headgate.importing.bucket:fetch_folder", "s3")(
            url, folder, self.region, self.environment
        )
        return fetched


def find_at(product: str, location: str, scratch: Path, around: Surroundings) -> Found:
    """The product's model at the location; what is fetched or made lies in `scratch`.

    Raises what the product's reader raises, and `Unavailable` where an extra is needed that is not installed.
    """
    if location.startswith(BUCKETS):
        find_in_bucket = named("headgate.importing.bucket:find_in_bucket", "s3")
        found: Found = find_in_bucket(product, location, scratch, around.region, around.environment)
        return found
    if product == "mlflow" and is_model_uri(location):
        fetched = fetch_model(location, around.tracking_url, scratch / "fetched", around.environment, around.fetch)
        return find_model(product, fetched, scratch)
    if product == "sagemaker" and is_arn(location):
        return _known_to_sagemaker(location, scratch, around.region)
    if product == "sagemaker" and is_model_name(location) and not Path(location).exists():
        try:
            return _known_to_sagemaker(location, scratch, around.region)
        except (Malformed, NotFound, Unauthenticated, Unavailable) as error:
            raise type(error)(f"There is no folder {shown(location)} here. {error.message}") from error
    return find_model(product, Path(location), scratch)


def _known_to_sagemaker(name: str, scratch: Path, region: str) -> Found:
    found: Found = named("headgate.importing.sagemaker_registry:find_named", "sagemaker")(name, scratch, region)
    return found
