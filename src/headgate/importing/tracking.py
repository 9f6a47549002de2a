"""Models that an MLflow tracking server keeps: `models:/NAME/VERSION` or `models:/NAME@ALIAS`, fetched over its API.

Source: MLflow's REST API 2.0 and its artifact proxy (`mlflow-artifacts`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from headgate.errors import HeadgateError, Malformed, NotFound, TooLarge, Unauthenticated, Unreachable, UnsupportedType
from headgate.importing.folder import BUCKETS, BYTES, MEMBERS
from headgate.names import shown

URI = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>[0-9]+)|@(?P<alias>[^/]+))")
API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
SECONDS = 60.0
DEPTH = 10
TRACKING_URL = "MLFLOW_TRACKING_URI"


class Version(msgspec.Struct):
    """A registered model's version, as far as it is asked for."""

    version: str


class Aliased(msgspec.Struct):
    """What an alias stands for."""

    model_version: Version


class Place(msgspec.Struct):
    """Where a version's files are."""

    artifact_uri: str


class File(msgspec.Struct):
    """One entry of a folder."""

    path: str
    is_dir: bool = False


class Listing(msgspec.Struct):
    """What is in a folder."""

    files: list[File] = []


_aliased = msgspec.json.Decoder(Aliased)
_places = msgspec.json.Decoder(Place)
_listings = msgspec.json.Decoder(Listing)


Answer = TypeVar("Answer")


def is_model_uri(text: str) -> bool:
    """Whether it names a registered model rather than a folder."""
    return text.startswith("models:")


def fetch_model(
    uri: str, url: str, folder: Path, environment: Mapping[str, str], from_bucket: Callable[[str, Path], Path]
) -> Path:
    """All files of the version, below the folder. Who asks is said by MLflow's own variables of the environment.

    `from_bucket` fetches those that the server has in object storage and does not hand out itself.
    Raises `Malformed` for a URI that names no version, `NotFound`, `Unauthenticated`, `UnsupportedType` where the
    server does not hand its artifacts out, `TooLarge`, `Unreachable`.
    """
    named = URI.fullmatch(uri)
    if not named:
        raise Malformed(f"Expected models:/NAME/VERSION or models:/NAME@ALIAS, got {shown(uri)}.")
    if urlsplit(url).scheme not in ("http", "https"):
        raise Malformed(f"Expected --tracking-url, or {TRACKING_URL}, as http://… or https://…, got {shown(url)}.")
    with httpx2.Client(base_url=url.rstrip("/"), headers=_credentials(environment), timeout=SECONDS) as client:
        server = _Server(client)
        place = server.place_of(named["name"], named["version"] or server.version_of(named["name"], named["alias"]))
        if place.startswith(BUCKETS):
            return from_bucket(place, folder)
        root = _proxied(place, uri)
        room = BYTES
        for count, path in enumerate(server.files(root, DEPTH)):
            if count >= MEMBERS:
                raise TooLarge(f"{uri} holds over {MEMBERS} files.")
            room -= server.download(path, folder / Path(path).relative_to(root), room)
    return folder


def _credentials(environment: Mapping[str, str]) -> dict[str, str]:
    if token := environment.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user, password = environment.get("MLFLOW_TRACKING_USERNAME"), environment.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        basic = httpx2.BasicAuth(user, password)
        return {"Authorization": next(basic.auth_flow(httpx2.Request("GET", "http://x"))).headers["Authorization"]}
    return {}


class _Server:
    """What is asked of the tracking server."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def version_of(self, name: str, alias: str) -> str:
        """The version that the alias stands for."""
        return self._ask(_aliased, f"{API}/registered-models/alias", name=name, alias=alias).model_version.version

    def place_of(self, name: str, version: str) -> str:
        """Where the version's files are, as the server says it."""
        return self._ask(_places, f"{API}/model-versions/get-download-uri", name=name, version=version).artifact_uri

    def files(self, place: str, depth: int) -> Iterator[str]:
        """Paths of all files below; only such as lie below, whatever the server says."""
        for entry in self._ask(_listings, ARTIFACTS, path=place).files:
            name = entry.path.rpartition("/")[2]
            if name in ("", ".", "..") or depth == 0:
                raise Malformed(f"The server lists {shown(entry.path)} below {shown(place)}.")
            below = f"{place}/{name}"
            if entry.is_dir:
                yield from self.files(below, depth - 1)
            else:
                yield below

    def download(self, path: str, target: Path, room: int) -> int:
        """The file's size; raises `TooLarge` when it has more bytes than there is room."""
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        try:
            with self._client.stream("GET", f"{ARTIFACTS}/{quote(path)}") as answer, target.open("xb") as file:
                _require_good(answer)
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > room:
                        raise TooLarge(f"The model's files hold over {BYTES} bytes, at {shown(path)}.")
                    file.write(chunk)
        except httpx2.HTTPError as error:
            raise _unreachable(self._client, error) from error
        return size

    def _ask(self, decoder: msgspec.json.Decoder[Answer], place: str, **query: str) -> Answer:
        try:
            answer = self._client.get(place, params=query)
            _require_good(answer)
            return decoder.decode(answer.content)
        except httpx2.HTTPError as error:
            raise _unreachable(self._client, error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(f"{place} answered something else: {error}. Is it MLflow's tracking server?") from error


def _proxied(place: str, uri: str) -> str:
    """The path that the server's artifact proxy knows the files by."""
    parts = urlsplit(place)
    if parts.scheme != "mlflow-artifacts":
        raise UnsupportedType(
            f"The server keeps {uri} at {parts.scheme}:…, which it does not hand out itself. Run "
            f"`mlflow artifacts download --artifact-uri {uri}` and import the folder."
        )
    return parts.path.strip("/")


def _require_good(answer: httpx2.Response) -> None:
    if answer.status_code in (401, 403):
        raise Unauthenticated(
            "The tracking server refuses: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD."
        )
    if answer.status_code == 404:
        raise NotFound(f"The tracking server has nothing at {answer.request.url.path}: is the name or version right?")
    if answer.status_code != 200:
        raise HeadgateError(f"The tracking server answered {answer.status_code} at {answer.request.url.path}.")


def _unreachable(client: httpx2.Client, error: httpx2.HTTPError) -> Unreachable:
    return Unreachable(f"The tracking server {client.base_url.host} cannot be reached: {error}.")
