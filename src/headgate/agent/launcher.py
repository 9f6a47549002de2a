"""How the agent starts a process: own session, own log of bounded size, only the descriptors it is meant to have."""

import os
import subprocess
import sys
from dataclasses import dataclass

from headgate.agent.logs import open_log
from headgate.agent.process import Process
from headgate.errors import Unavailable
from headgate.home import Home
from headgate.processes import SAFE_PATH
from headgate.settings import OF_CONTROL, Settings, to_environment, without_control

# how clients of PostgreSQL and of object stores are told their credentials
_PASSWORDS = ("PGPASSWORD", "PGPASSFILE")
_CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_")


@dataclass(frozen=True, slots=True)
class Programs:
    """The commands of the processes that an agent starts; their flags follow."""

    worker: tuple[str, ...] = (sys.executable, "-m", "headgate.serving.main")
    template: tuple[str, ...] = (sys.executable, "-m", "headgate.serving.hosts.template")
    control: tuple[str, ...] = (sys.executable, "-m", "headgate.app")


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts processes that outlive the agent: neither Ctrl-C nor its death takes them along."""

    home: Home
    settings: Settings

    def start(
        self,
        log: str,
        command: tuple[str, ...],
        *,
        descriptors: tuple[int, ...] = (),
        talks: bool = False,
        decides: bool = False,
    ) -> Process:
        """Start it with its output in `logs/<log>.log`; one that `talks` has pipes as stdin and stdout.

        Only one that `decides`, a control plane, is told where database and artifact store are, and the way in.
        Raises `Unavailable` when the machine has no room for another process.
        """
        environment = self._environment(decides)
        try:
            with open_log(self.home, log) as output:
                child = subprocess.Popen(
                    (*command, "--home", str(self.home.path)),
                    stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if talks else output,
                    stderr=output,
                    env=environment,
                    pass_fds=descriptors,
                    start_new_session=True,
                )
            return Process(child.pid, os.pidfd_open(child.pid), child)
        except OSError as error:
            raise Unavailable(f"Expected to start `{' '.join(command)}`, got: {error}.") from error

    def _environment(self, decides: bool) -> dict[str, str]:
        # what a supervisor passed to the agent is not meant for its children
        found = {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
        found |= SAFE_PATH
        if decides:
            return found | to_environment(self.settings)
        hidden = {f"HEADGATE_{name.upper()}" for name in OF_CONTROL}
        if self.settings.database:
            hidden.update(_PASSWORDS)
        # given for the store; where there is none they may be a model's own
        prefixes = _CREDENTIALS if "://" in self.settings.artifacts else ()
        kept = {name: value for name, value in found.items() if name not in hidden and not name.startswith(prefixes)}
        return kept | to_environment(without_control(self.settings))
