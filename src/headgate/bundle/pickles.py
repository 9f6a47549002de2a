"""The machine that reads pickle and joblib files, without deciding what the names in them stand for.

joblib keeps the bytes of arrays between the opcodes, where a stand-in for the array is built; reading over them needs
the stand-in's state, so opcodes alone cannot be listed. Both readers, the pass over the names (`globals.py`) and the
loader (`runtimes/unpickling.py`), run this one machine, so that they cannot read a file differently.
"""

import _compat_pickle
import bz2
import io
import lzma
import math
import pickle
import zlib
from collections.abc import Callable
from typing import Any, ClassVar

from headgate.bundle.allowed import today
from headgate.errors import Malformed, TooLarge

MAX_BYTES = 16 * 1024**3
# magic bytes of what joblib.dump(compress=…) writes
COMPRESSED = {b"\x78": "zlib", b"\x1f\x8b": "gzip", b"BZ": "bz2", b"\xfd7zXZ": "xz", b"\x5d\x00": "lzma"}
UNREADABLE = {
    b"\x04\x22\x4d\x18": "compressed with lz4: dump it with another compressor",
    b"ZF": "written by joblib before 0.10: load it there and dump it again",
}


def unpacked_stream(content: bytes, limit: int = MAX_BYTES) -> io.BytesIO:
    """The pickle in the bytes of a file, decompressed; raises `Malformed` or, beyond `limit` bytes, `TooLarge`."""
    for magic, reason in UNREADABLE.items():
        if content.startswith(magic):
            raise Malformed(f"The file is {reason}.")
    method = next((name for magic, name in COMPRESSED.items() if content.startswith(magic)), None)
    if method is None:
        return io.BytesIO(content)
    try:
        return io.BytesIO(_decompress(content, method, limit))
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise Malformed(f"The {method} stream of the file is damaged: {error}.") from error


def _decompress(content: bytes, method: str, limit: int) -> bytes:
    whole: Any
    if method in ("zlib", "gzip"):
        whole = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    else:
        whole = bz2.BZ2Decompressor() if method == "bz2" else lzma.LZMADecompressor()
    data: bytes = whole.decompress(content, limit + 1)
    if len(data) > limit:
        raise TooLarge(f"The file decompresses to more than {limit} bytes.")
    if not whole.eof:
        raise EOFError("it ends early")
    # what follows the stream is read on, so that the pass sees it
    return data + bytes(whole.unused_data)


class PickleMachine(pickle._Unpickler):
    """Runs a pickle's opcodes; subclasses say what a global is, and how an array is read."""

    # set by pickle.py; typeshed does not know it
    proto: int
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    readline: Callable[[], bytes]

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.stream = stream

    def resolve(self, module: str, name: str) -> Any:
        """What the global stands for."""
        raise pickle.UnpicklingError(f"global {module}.{name} is refused")

    def find_class(self, module: str, name: str) -> Any:
        """The global under its name of today: old protocols and old libraries spell it otherwise."""
        if self.proto < 3:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        return self.resolve(today(module), name)

    def get_extension(self, code: int) -> None:
        """Extension codes stand for globals that this process happens to have registered."""
        raise pickle.UnpicklingError(f"extension code {code} is refused")

    def build(self, instance: Any, state: Any) -> Any:
        """What stands on the stack after BUILD."""
        raise pickle.UnpicklingError("BUILD is refused")

    def call(self, function: Any, arguments: Any) -> Any:
        """What a call of something on the stack gives."""
        raise pickle.UnpicklingError("a call is refused")

    def load_build(self) -> None:
        state = self.stack.pop()
        self.stack[-1] = self.build(self.stack[-1], state)

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.call(self.stack[-1], arguments)

    def load_obj(self) -> None:
        arguments = self.pop_mark()
        self.append(self.call(arguments.pop(0), arguments))

    def load_inst(self) -> None:
        module = self.readline()[:-1].decode("ascii")
        name = self.readline()[:-1].decode("ascii")
        self.append(self.call(self.find_class(module, name), self.pop_mark()))

    def skip_padding(self, alignment: int | None) -> None:
        """joblib ≥ 1.2 aligns array bytes: one byte says how many follow it."""
        if alignment is not None:
            self.stream.seek(self.take(1)[0], io.SEEK_CUR)

    def take(self, size: int) -> bytes:
        """The next bytes of the file."""
        data = self.stream.read(size)
        if len(data) != size:
            raise pickle.UnpicklingError(f"the file ends early: expected {size} bytes, got {len(data)}")
        return data

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BUILD[0]: load_build,
        pickle.REDUCE[0]: load_reduce,
        pickle.OBJ[0]: load_obj,
        pickle.INST[0]: load_inst,
    }


def count_of(shape: Any) -> int:
    """How many items an array of that shape has."""
    if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise pickle.UnpicklingError(f"an array has shape {shape!r}")
    return math.prod(shape)
