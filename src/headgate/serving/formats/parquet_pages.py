"""The page headers of a Parquet column chunk, as far as the sizes of its pages: Thrift's compact protocol.

pyarrow allocates what a page header says, which the footer need not agree with; and it offers no way to ask beforehand.
"""

from headgate.errors import Malformed

_TRUE, _FALSE, _BYTE, _SHORT, _INT, _LONG, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_UNPACKED, _PACKED = 2, 3  # fields of a PageHeader
MAX_PAGES = 4096
MAX_DEPTH = 8
MAX_FIELDS = 256


class _Reader:
    """One header after the other."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.place = 0

    def byte(self) -> int:
        if self.place >= len(self.data):
            raise Malformed("A page header of the Parquet file ends too early.")
        self.place += 1
        return self.data[self.place - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            part = self.byte()
            value |= (part & 0x7F) << shift
            if part < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise Malformed("A number in a page header of the Parquet file is too long.")

    def signed(self) -> int:
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def advance(self, size: int) -> None:
        if size > len(self.data) - self.place:
            raise Malformed("A page of the Parquet file ends outside of its column chunk.")
        self.place += size

    def skip(self, kind: int, depth: int) -> None:
        """Pass over one value of a struct's field."""
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self.advance(1)
        elif kind in (_SHORT, _INT, _LONG):
            self.number()
        elif kind == _DOUBLE:
            self.advance(8)
        elif kind == _BINARY:
            self.advance(self.number())
        elif kind == _STRUCT and depth < MAX_DEPTH:
            self.sizes(depth + 1)
        else:
            # no page header has lists, sets or maps
            raise Malformed("A page header of the Parquet file holds what no page header does.")

    def sizes(self, depth: int = 0) -> dict[int, int]:
        """Read a struct; its whole numbers by field."""
        field = 0
        found: dict[int, int] = {}
        for _ in range(MAX_FIELDS):
            head = self.byte()
            if head == 0:
                return found
            field = field + (head >> 4) if head >> 4 else self.signed()
            kind = head & 0x0F
            if kind in (_SHORT, _INT, _LONG):
                found[field] = self.signed()
            else:
                self.skip(kind, depth)
        raise Malformed("A page header of the Parquet file has too many fields.")


def unpacked_size(chunk: memoryview) -> int:
    """The bytes that the pages of a column chunk become, by their headers; raises `Malformed`."""
    reader = _Reader(chunk)
    total = 0
    for _ in range(MAX_PAGES):
        if reader.place >= len(chunk):
            return total
        sizes = reader.sizes()
        unpacked, packed = sizes.get(_UNPACKED, -1), sizes.get(_PACKED, -1)
        if unpacked < 0 or packed < 0:
            raise Malformed("A page header of the Parquet file has no sizes.")
        total += unpacked
        reader.advance(packed)
    raise Malformed(f"A column chunk of the Parquet file has over {MAX_PAGES} pages.")
