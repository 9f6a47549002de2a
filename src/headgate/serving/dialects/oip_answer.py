"""Answers of the Open Inference Protocol: tensors as JSON or as bytes behind it, compressed where that is asked for."""

import math
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from headgate.errors import Malformed
from headgate.serving.contract import Rows
from headgate.serving.dialects.datatypes import datatype_of
from headgate.serving.dialects.oip_request import BINARY, CODED, PLAIN, Asked, Wanted
from headgate.serving.dialects.oip_tensors import BYTES, plain_cells, to_bytes
from headgate.serving.formats.format import Array, Origin
from headgate.serving.responses import JSON, Whole, head_of

OCTETS = "application/octet-stream"
LENGTH = b"Inference-Header-Content-Length: %d\r\n"
NUMPY = orjson.OPT_SERIALIZE_NUMPY
# answers are compressed between these sizes: below it takes more time than sending, above it keeps others waiting
SMALLEST, LARGEST = 16_384, 1 << 20
WINDOWS = {b"gzip": 31, b"deflate": 15}
# scores of one answer that are named and sorted
MOST_CLASSES = 20_000


class Writer:
    """Writes `{"model_name", "model_version", "id"?, "outputs"}`, and binary tensors behind it, for one variant."""

    def __init__(self, origin: Origin) -> None:
        self.head, self.binary_head = (head_of(200, kind, origin.headers) for kind in (JSON, OCTETS))
        version = origin.version.rpartition(":")[2]
        self.begin = orjson.dumps({"model_name": origin.endpoint, "model_version": version})[:-1]
        self.begin_plain = self.begin + b',"outputs":['
        self.labels = origin.classes
        self._forms: dict[str, Form] = {}

    def write(self, outputs: Mapping[str, Array]) -> Callable[[str, int, int, Rows], Whole]:
        """The outputs of a batch, for each of its callers."""
        return Answers(self, {name: Tensor(self._form(name, array), array) for name, array in outputs.items()}).whole

    def _form(self, name: str, array: Array) -> "Form":
        form = self._forms.get(name)
        if form is None or not form.fits(array):
            form = self._forms[name] = Form(name, array)
        return form


class Answers:
    """The answers of one batch."""

    __slots__ = ("_alike", "_told", "_tensors", "_writer")

    def __init__(self, writer: Writer, tensors: "Mapping[str, Tensor]") -> None:
        self._writer = writer
        self._tensors = tensors
        # answers that are all binary differ only in their numbers where they have as many rows
        self._told: dict[int, Whole] = {}
        self._alike = not any(tensor.varies for tensor in tensors.values())

    def whole(self, _id: str, start: int, stop: int, rows: Rows) -> Whole:
        """Head and body for one caller, as it asked for them; raises `Malformed` for what it cannot have."""
        asked: Asked = rows.asked
        if asked is PLAIN:
            return self._plain(start, stop)
        if asked is BINARY and self._alike:
            head, text = self._told.get(stop - start) or self._tell(stop - start)
            return head, b"".join([text, *[tensor.raw(start, stop) for tensor in self._tensors.values()]])
        if asked is CODED.get(asked.coding):
            return compressed(*self._plain(start, stop), asked.coding)
        return self._chosen(asked, start, stop)

    def _plain(self, start: int, stop: int) -> Whole:
        texts = [tensor.text(start, stop) for tensor in self._tensors.values()]
        return self._writer.head, b"%b%b]}" % (self._writer.begin_plain, b",".join(texts))

    def _tell(self, count: int) -> Whole:
        texts = [tensor.said(count, count * tensor.size) for tensor in self._tensors.values()]
        text = b"%b%b]}" % (self._writer.begin_plain, b",".join(texts))
        self._told[count] = self._writer.binary_head + LENGTH % len(text), text
        return self._told[count]

    def _chosen(self, asked: Asked, start: int, stop: int) -> Whole:
        blobs: list[bytes] = []
        texts = [
            chosen(self._tensors, want, start, stop, self._writer.labels, blobs)
            for want in wanted(asked, self._tensors)
        ]
        own = b',"id":%b' % orjson.dumps(asked.id) if asked.id else b""
        text = b'%b%b,"outputs":[%b]}' % (self._writer.begin, own, b",".join(texts))
        if not blobs:
            return compressed(self._writer.head, text, asked.coding)
        return compressed(self._writer.binary_head + LENGTH % len(text), b"".join((text, *blobs)), asked.coding)


class Form:
    """How outputs of one name, dtype and shape are written; the same for every batch as long as the model is."""

    __slots__ = ("before", "dtype", "is_bytes", "rest", "shape", "width")

    def __init__(self, name: str, array: Array) -> None:
        self.dtype, self.shape = array.dtype, array.shape[1:]
        datatype = datatype_of(array.dtype)
        self.is_bytes = datatype == BYTES
        self.before = b'{"name":%b,"datatype":"%b","shape":[' % (orjson.dumps(name), datatype.encode())
        self.rest = b"".join(b",%d" % size for size in self.shape)
        self.width = math.prod(self.shape)

    def fits(self, array: Array) -> bool:
        """Is it the form of this array?"""
        return bool(array.dtype == self.dtype) and array.shape[1:] == self.shape


class Tensor:
    """An output of all rows of a batch; its numbers are written in one call, and cut where several callers share it."""

    __slots__ = ("_form", "_pieces", "_raw", "_rows", "_text", "array", "size", "varies")

    def __init__(self, form: Form, array: Array) -> None:
        self.array = array
        self._form = form
        self._rows = len(array)
        self._text = self._raw = b""
        self.varies = form.is_bytes  # the size of its rows
        self.size = form.width * array.itemsize  # bytes of a row, if it does not
        self._pieces: list[bytes] | None = None

    def text(self, start: int, stop: int) -> bytes:
        """The rows from start to before stop as JSON, flat."""
        form, array = self._form, self.array
        if not self._text:
            self._text = orjson.dumps(texts_of(array) if form.is_bytes else array.ravel(), option=NUMPY)
        data = self._text if stop - start == self._rows else self._cut(start * form.width, stop * form.width)
        return b'%b%d%b],"data":%b}' % (form.before, stop - start, form.rest, data)

    def binary(self, start: int, stop: int) -> tuple[bytes, bytes]:
        """The same as bytes, and what the JSON says of them."""
        blob = to_bytes(self.array[start:stop]) if self.varies else self.raw(start, stop)
        return self.said(stop - start, len(blob)), blob

    def raw(self, start: int, stop: int) -> bytes:
        """The bytes of rows that are all of one size."""
        if not self._raw:
            self._raw = to_bytes(self.array)
        return self._raw[start * self.size : stop * self.size]

    def said(self, rows: int, size: int) -> bytes:
        """What the JSON says of so many rows that take so many bytes."""
        said = b'%b%d%b],"parameters":{"binary_data_size":%d}}'
        return said % (self._form.before, rows, self._form.rest, size)

    def _cut(self, start: int, stop: int) -> bytes:
        if self._pieces is None:
            # text may hold commas
            whole = texts_of(self.array) if self._form.is_bytes else None
            self._pieces = self._text[1:-1].split(b",") if whole is None else [orjson.dumps(cell) for cell in whole]
        return b"[%b]" % (self._pieces[start] if stop - start == 1 else b",".join(self._pieces[start:stop]))


def chosen(
    tensors: Mapping[str, Tensor], want: Wanted, start: int, stop: int, labels: Sequence[Any], blobs: list[bytes]
) -> bytes:
    """One output as its caller wants it; adds its bytes, if it is to be binary."""
    tensor = tensors[want.name]
    if want.classes:
        found = classified(want, tensor.array[start:stop], labels)
        tensor = Tensor(Form(want.name, found), found)
        start, stop = 0, stop - start
    if not want.binary:
        return tensor.text(start, stop)
    text, blob = tensor.binary(start, stop)
    blobs.append(blob)
    return text


def wanted(asked: Asked, outputs: Collection[str]) -> Sequence[Wanted]:
    """What is to be written; raises `Malformed` for an output that the model has not."""
    for want in asked.outputs:
        if want.name not in outputs:
            raise Malformed(f"Unexpected inference output {want.name[:64]!r}; the model has: {', '.join(outputs)}.")
    return asked.outputs or [Wanted(name, asked.binary, 0) for name in outputs]


def classified(want: Wanted, array: Array, labels: Sequence[Any]) -> Array:
    """The highest scores of each row as "score:index:label"; raises `Malformed`."""
    if array.dtype.kind not in "iuf":
        raise Malformed(f"The output {want.name[:64]!r} holds no scores that could be sorted for classification.")
    scores = array.reshape(len(array), -1)
    count = min(want.classes, scores.shape[1])
    if count * len(scores) > MOST_CLASSES:
        raise Malformed(f"Got {len(scores)} rows with {count} classes each: ask for at most {MOST_CLASSES} in all.")
    names = [f":{label}" for label in labels] if len(labels) == scores.shape[1] > 1 else [""] * scores.shape[1]
    best = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :count]
    found = np.empty(best.shape, object)
    for row, places in enumerate(best.tolist()):
        found[row] = [f"{scores[row, place]:f}:{place}{names[place]}" for place in places]
    return found


def texts_of(array: Array) -> list[Any]:
    """What is written as BYTES, as JSON has it; raises `Malformed` for bytes that are no text."""
    cells = plain_cells(array)
    try:
        return [cell.decode() if isinstance(cell, bytes) else cell for cell in cells]
    except UnicodeDecodeError:
        raise Malformed("The answer holds bytes that are no UTF-8: ask for it as binary_data.") from None


def compressed(head: bytes, body: bytes, coding: bytes) -> Whole:
    """The answer in a coding that its caller takes, where that is worth it."""
    if not coding or not SMALLEST <= len(body) <= LARGEST:
        return head, body
    press = zlib.compressobj(1, wbits=WINDOWS[coding])
    body = press.compress(body) + press.flush()
    return head + b"Content-Encoding: %b\r\nVary: Accept-Encoding\r\n" % coding, body
