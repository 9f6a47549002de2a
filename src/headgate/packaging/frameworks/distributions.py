"""The version of an installed distribution."""

from importlib.metadata import PackageNotFoundError, version


def version_of(distribution: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
