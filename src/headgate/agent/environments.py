"""Environments that the node builds for bundles whose packages are not those that are installed here.

`cache/environments/<lock>/` is a virtual environment with the very files whose hashes the bundle names. Bundles with
the same packages share one; it is built once, beside its place, and moved there when a model host could start in it. It
holds no Headgate: a link leads to ours, so that it is always the agent's own. What is installed runs when a process
starts in it, so only bundles that a trusted key has signed get one.
"""

import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from headgate.agent.bundles import cached_bundle
from headgate.agent.interpreters import SUFFIX
from headgate.agent.loop import Loop
from headgate.bundle.bundle import verified_bytes
from headgate.bundle.fitting import Misfit, installed_version, misfits, python_version, what_to_install
from headgate.bundle.manifest import REQUIREMENTS, Manifest
from headgate.bundle.requirements import check_requirements
from headgate.errors import EnvironmentMismatch, HeadgateError, Unavailable, Untrusted
from headgate.home import Home, write_atomically
from headgate.installer import run_program, run_uv
from headgate.records import Variant
from headgate.settings import Settings

logger = logging.getLogger(__name__)

BUILDING = ".building-"
KEPT_SECONDS = 30 * 86_400.0  # an environment that no bundle on the node's tables has needed for that long is removed
PROBE_SECONDS = 120.0
# what a model host imports of ours and of its packages, before any model
PROBE = "import headgate.serving.hosts.template"

Ready = Callable[[HeadgateError | None], None]
# raises `Untrusted` for a bundle that no trusted key has signed
RequireSigned = Callable[[str], None]
# digests of the bundles that are needed; None while that is not known
Needed = Callable[[], set[str] | None]


class Environments:
    """Sees to it that a version's hosts find its packages; every decision in the loop's thread, building in others."""

    def __init__(
        self,
        loop: Loop,
        home: Home,
        settings: Settings,
        require_signed: RequireSigned,
        needed: Callable[[], set[str] | None],
    ) -> None:
        self._loop = loop
        self._home = home
        self._settings = settings
        self._require_signed = require_signed
        self._needed = needed
        # by lock: who waits, and for which bundle
        self._waiting: dict[str, list[tuple[str, Ready]]] = {}

    @property
    def building(self) -> set[str]:
        """Digests of the bundles whose environment is being built."""
        return {digest for waiting in self._waiting.values() for digest, _ in waiting}

    def sweep(self) -> None:
        """Remove what a killed agent left half built, and what nothing needs any more."""
        for left in environments_in(self._home).glob(f"{BUILDING}*"):
            shutil.rmtree(left, ignore_errors=True)
        self.prune()

    def ensure(self, variant: Variant, done: Ready) -> None:
        """Call `done` with None when the variant's form finds its packages, else with the package and both versions."""
        try:
            lacking, lock = self._look(variant)
            if not lacking or self._stands(variant.digest, lock):
                done(None)
                return
            self._require_buildable(variant.digest, lacking)
        except (HeadgateError, OSError) as error:
            done(error if isinstance(error, HeadgateError) else _cannot_write(error))
            return
        if lock in self._waiting:
            self._waiting[lock].append((variant.digest, done))
            return
        self._waiting[lock] = [(variant.digest, done)]
        arguments = (variant.digest, lock, lacking)
        threading.Thread(target=self._build, args=arguments, name=f"build-{lock[:8]}", daemon=True).start()

    def prune(self) -> None:
        """Remove old environments, never one that a bundle on the node's tables runs in, nor one that is awaited.

        Called often: what is needed now counts as used now, so that its hosts have left long before it goes.
        """
        kept, needed = set(self._waiting), self._needed()
        if needed is None:
            # a worker has not told yet what it serves
            return
        for note in self._home.cache.glob(f"*.{SUFFIX}"):
            digest = note.name.removesuffix(f".{SUFFIX}")
            lock = self._lock_of(note)
            if lock and digest in needed:
                kept.add(lock)
            elif lock and not (self._home.cache / digest).is_dir():
                note.unlink(missing_ok=True)
        for folder in environments_in(self._home).glob("[0-9a-f]*"):
            if folder.name in kept:
                os.utime(folder)
            elif time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                logger.info("environment %s is removed: nothing has needed it for long", folder.name[:12])
                # renamed first: it is there as a whole or not at all
                shutil.rmtree(folder.rename(folder.with_name(f"{BUILDING}{folder.name}")))

    def _look(self, variant: Variant) -> tuple[tuple[Misfit, ...], str]:
        manifest = cached_bundle(self._home, variant.digest).manifest
        lacking = misfits(manifest, variant.form, installed_version, python_version())
        self._drop_stale_note(variant.digest)
        return lacking, lock_of(manifest) if lacking else ""

    def _drop_stale_note(self, digest: str) -> None:
        """An environment of ours that was removed, or whose Python is gone, is no interpreter any more."""
        note = self._home.cache / f"{digest}.{SUFFIX}"
        lock = self._lock_of(note)
        if lock and not python_in(environments_in(self._home) / lock).exists():
            note.unlink()

    def _stands(self, digest: str, lock: str) -> bool:
        """Whether the bundle's interpreter is there already: an environment of ours, or one that somebody named."""
        note = self._home.cache / f"{digest}.{SUFFIX}"
        named = self._lock_of(note)
        if note.exists() and not named:
            return True
        folder = environments_in(self._home) / lock
        if not lock or not python_in(folder).exists():
            return False
        self._hand_out(digest, folder)
        return True

    def _require_buildable(self, digest: str, lacking: tuple[Misfit, ...]) -> None:
        """Raises `EnvironmentMismatch` with both versions and the next step, or `Untrusted`."""
        manifest = cached_bundle(self._home, digest).manifest
        said = _said(lacking)
        if not self._settings.build_environments:
            raise EnvironmentMismatch(
                f"{said} An environment of its own may not be built here: set build_environments. {_next_step(lacking)}"
            )
        if manifest.environment.unlocked or REQUIREMENTS not in manifest.files:
            reason = manifest.environment.unlocked or "it has no hashes"
            raise EnvironmentMismatch(
                f"{said} An environment of its own cannot be built: {reason}. {_next_step(lacking)}"
            )
        try:
            self._require_signed(digest)
        except Untrusted as error:
            raise EnvironmentMismatch(f"{said} An environment of its own may not be built: {error.message}") from error

    def _build(self, digest: str, lock: str, lacking: tuple[Misfit, ...]) -> None:
        """In its own thread."""
        trouble: HeadgateError | None = None
        try:
            build_environment(self._home, self._settings, digest, lock)
        except Exception as error:
            # whatever it is, somebody waits to hear of it
            logger.exception("the environment of %s could not be built", digest[:12])
            reason = error.message if isinstance(error, HeadgateError) else str(error)
            trouble = EnvironmentMismatch(
                f"{_said(lacking)} Building an environment of its own failed: {reason} {_next_step(lacking)}"
            )
        self._loop.post(lambda: self._settle(lock, trouble))

    def _settle(self, lock: str, trouble: HeadgateError | None) -> None:
        for digest, done in self._waiting.pop(lock):
            own = trouble
            try:
                if trouble is None:
                    self._hand_out(digest, environments_in(self._home) / lock)
            except OSError as error:
                own = _cannot_write(error)
            done(own)

    def _hand_out(self, digest: str, folder: Path) -> None:
        link_headgate(folder)
        # most recently used, for `prune`
        os.utime(folder)
        note, named = self._home.cache / f"{digest}.{SUFFIX}", f"{python_in(folder)}\n".encode()
        if not note.exists() or note.read_bytes() != named:
            write_atomically(note, named)

    def _lock_of(self, note: Path) -> str:
        """Which of our environments a note names; empty for an interpreter of somebody else's, or none."""
        try:
            folder = Path(note.read_text().strip()).parent.parent
        except FileNotFoundError:
            return ""
        return folder.name if folder.parent == environments_in(self._home) else ""


def build_environment(home: Home, settings: Settings, digest: str, lock: str) -> None:
    """Build the environment of a bundle in the cache, whole or not at all. Raises `HeadgateError` with the reason."""
    bundle = cached_bundle(home, digest)
    environment = bundle.manifest.environment
    requirements = verified_bytes(bundle.folder, bundle.manifest, REQUIREMENTS)
    check_requirements(requirements.decode(errors="replace"), environment)
    draft = environments_in(home) / f"{BUILDING}{lock}-{secrets.token_hex(4)}"
    end = time.monotonic() + settings.build_seconds
    logger.info("building the environment of %s: %d packages", digest[:12], len(environment.packages))
    environments_in(home).mkdir(mode=0o700, exist_ok=True)
    try:
        run_uv(
            ("venv", "--quiet", "--no-python-downloads", "--python", environment.python, str(draft)),
            settings.build_seconds,
        )
        # the bytes that were checked, and not once more the file
        listed = draft / REQUIREMENTS
        listed.write_bytes(requirements)
        run_uv((*_sync_options(settings), "--python", str(python_in(draft)), str(listed)), end - time.monotonic())
        link_headgate(draft)
        run_program((str(python_in(draft)), "-c", PROBE), PROBE_SECONDS)
        _replace(draft, environments_in(home) / lock)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(draft: Path, place: Path) -> None:
    """One that is there is broken, or nobody would have built another."""
    if place.exists():
        shutil.rmtree(place.rename(place.with_name(f"{BUILDING}{secrets.token_hex(4)}")), ignore_errors=True)
    draft.rename(place)


def _sync_options(settings: Settings) -> tuple[str, ...]:
    """Wheels whose hashes are known, and nothing else: a source distribution would run its author's code here."""
    offline = ("--no-index", "--find-links", settings.wheel_folder) if settings.wheel_folder else ()
    return ("pip", "sync", "--quiet", "--require-hashes", "--no-build", *offline)


def link_headgate(folder: Path) -> None:
    """Have the environment import the Headgate that runs here, wherever and however it is installed."""
    [site] = folder.glob("lib/python*/site-packages")
    link, own = site / "headgate", Path(__file__).resolve().parents[1]
    if link.is_symlink() and link.readlink() == own:
        return
    draft = link.with_name(f".headgate-{secrets.token_hex(4)}")
    draft.symlink_to(own)
    draft.replace(link)


def environments_in(home: Home) -> Path:
    """Where they are, each under its lock."""
    return home.cache / "environments"


def python_in(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def lock_of(manifest: Manifest) -> str:
    """What bundles with the same Python and the same files of packages have in common; empty without hashes."""
    entry = manifest.files.get(REQUIREMENTS)
    if entry is None or manifest.environment.unlocked:
        return ""
    return sha256(f"{manifest.environment.python} {entry.sha256}".encode()).hexdigest()


def _cannot_write(error: OSError) -> Unavailable:
    return Unavailable(f"Expected to write the environment, got: {error}.")


def _said(lacking: tuple[Misfit, ...]) -> str:
    return f"Expected {', '.join(map(str, lacking))}."


def _next_step(lacking: tuple[Misfit, ...]) -> str:
    return f"Or {what_to_install(lacking)}, or package the model again with what is here."
