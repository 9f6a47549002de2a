"""What the kernel refuses a model host: too much memory, long files, many descriptors, core dumps, other processes.

`RLIMIT_NPROC` counts all processes of a user and does not bind root, so processes are refused by a seccomp filter:
`fork` and `vfork` fail with EAGAIN, and so does `clone` unless it makes a thread. It holds a careless model, not a
hostile one.
"""

import ctypes
import errno
import logging
import os
import platform
import resource
import struct
from pathlib import Path

from headgate.settings import Settings

_log = logging.getLogger("headgate.host")

# -1000: never, 1000: before all others; by as many thousandths of the machine's memory larger than it is
ADJUSTMENT, FIRST = Path("/proc/self/oom_score_adj"), 500
CLONE_THREAD = 0x00010000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# where the filter finds the number of the call, the architecture, the first argument's lower half
_NUMBER, _ARCHITECTURE, _FLAGS = 0, 4, 16
_CLONE3 = 435
_FOREIGN = 0x40000000  # numbers of the x32 interface begin here
# machine → the kernel's number for it, clone, and what always makes a process
_MACHINES = {"x86_64": (0xC000003E, 56, (57, 58)), "aarch64": (0xC00000B7, 220, ())}


def confine(settings: Settings) -> None:
    """For the rest of this process' life. Before the model is loaded, while there is one thread."""
    end_first()
    _limit(resource.RLIMIT_DATA, settings.host_memory_bytes)
    _limit(resource.RLIMIT_FSIZE, settings.host_file_bytes)
    _limit(resource.RLIMIT_NOFILE, settings.host_open_files)
    # a dump would hold clients' rows
    _limit(resource.RLIMIT_CORE, 0)
    if settings.host_processes == 0:
        refuse_processes()


def end_first() -> None:
    """Where the machine's memory runs out, the kernel ends a host before a worker: its requests are asked elsewhere."""
    try:
        before = int(ADJUSTMENT.read_text())
        ADJUSTMENT.write_text(str(max(before, FIRST)))
    except OSError as error:
        _log.warning("the kernel cannot be told to end this host first: %s", error)


def which_limit(reason: str, settings: Settings) -> str:
    """What to say after the reason of a failure that a limit of ours may have caused."""
    if "MemoryError" in reason or "bad_alloc" in reason:
        return f" A host may take {settings.host_memory_bytes >> 20} MB: raise host_memory_bytes if it needs more."
    if os.strerror(errno.EAGAIN) in reason and not settings.host_processes:
        return " A host may start no processes: set host_processes if it needs some."
    return ""


def refuse_processes() -> None:
    """Where this machine has no such filter, the agent still counts."""
    code = _filter(platform.machine())
    if code is None:
        _log.warning("processes cannot be refused on %s; the agent counts them", platform.machine())
        return
    program = struct.pack("HL", len(code) // 8, ctypes.addressof(buffer := ctypes.create_string_buffer(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    # who cannot gain rights may filter himself without being root
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0)):
        if libc.prctl(*arguments):
            _log.warning("processes cannot be refused (%s); the agent counts them", os.strerror(ctypes.get_errno()))
    del buffer


def _filter(machine: str) -> bytes | None:
    """The program of the filter; None for a machine that we have no numbers of."""
    if machine not in _MACHINES:
        return None
    architecture, clone, forks = _MACHINES[machine]
    refused = _instruction(_RETURN, _ERRNO | errno.EAGAIN)
    steps = [
        # another architecture's numbers mean other calls
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD, _NUMBER),
        _instruction(_AT_LEAST, _FOREIGN, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        # its flags lie in memory, which a filter cannot read; without it the C library takes clone
        _instruction(_EQUAL, _CLONE3, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
    ]
    for fork in forks:
        steps += [_instruction(_EQUAL, fork, 0, 1), refused]
    steps += [
        _instruction(_EQUAL, clone, 0, 3),
        _instruction(_LOAD, _FLAGS),
        _instruction(_BITS, CLONE_THREAD, 1, 0),
        refused,
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _instruction(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    chosen = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (chosen, chosen))
