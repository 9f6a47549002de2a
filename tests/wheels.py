"""Wheels made here, so that environments are locked and built without a network."""

import base64
import hashlib
import zipfile
from importlib.metadata import distribution
from pathlib import Path


def repack(name: str, folder: Path) -> Path:
    """An installed distribution as the wheel that it came as."""
    found = distribution(name)
    tags = [line.removeprefix("Tag: ") for line in (found.read_text("WHEEL") or "").splitlines() if "Tag: " in line]
    path = folder / f"{name.replace('-', '_')}-{found.version}-{tags[0]}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in found.files or ():
            # neither scripts, which an installer writes anew, nor what was compiled here
            if ".." not in file.parts and file.suffix != ".pyc" and file.name not in ("INSTALLER", "REQUESTED"):
                archive.write(str(file.locate()), str(file))
    return path


def make_wheel(name: str, version: str, files: dict[str, str], folder: Path) -> Path:
    """A pure wheel of these files."""
    info = f"{name}-{version}.dist-info"
    content = files | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in content.items()]
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in content.items():
            archive.writestr(member, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


def make_index(wheels: Path, folder: Path) -> str:
    """The URL of a package index, as files, that lists the wheels of a folder with their hashes."""
    for wheel in sorted(wheels.glob("*.whl")):
        page = folder / wheel.name.partition("-")[0].replace("_", "-").lower() / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        with page.open("a") as file:
            file.write(f'<a href="{wheel.as_uri()}#sha256={digest}">{wheel.name}</a>\n')
    return folder.as_uri()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
