"""Files that are read in places: of bytes, and of rows of numbers.

They are read and not mapped: of a mapped file all that was ever looked at stays in the process, gigabytes after some hours.
An open file can be read by several threads, also when its name is gone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
import numpy.typing as npt

from stemqa import LibraryError

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[Any]


class BytesFile:
    """An open file."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._lock = Lock()
        finalize(self, os.close, self._descriptor)

    def between(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to before `end`."""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, end - start, start)
        with self._lock:
            os.lseek(self._descriptor, start, os.SEEK_SET)
            return os.read(self._descriptor, end - start)


class RowFile:
    """A file that `save_array` made of an array of shape (n, width)."""

    def __init__(self, file: Path) -> None:
        try:
            mapped = np.load(file, mmap_mode="r")
            self.dtype, (self._size, self.width), self._start = mapped.dtype, mapped.shape, mapped.offset
        except (OSError, EOFError, ValueError) as error:
            raise LibraryError(f"{file} holds no rows of numbers ({error}); build the library again") from None
        self._bytes = BytesFile(file)

    def __len__(self) -> int:
        return int(self._size)

    def between(self, start: int, end: int) -> Floats:
        """Return the rows from `start` to before `end`."""
        row = self.width * self.dtype.itemsize
        data = self._bytes.between(self._start + start * row, self._start + end * row)
        return np.frombuffer(data, self.dtype).reshape(-1, self.width)


class Rows:
    """The rows of several files, numbered through in their order."""

    def __init__(self, files: Sequence[RowFile]) -> None:
        self._files = files
        self._first: IntArray = np.cumsum([0, *map(len, files)])

    def __len__(self) -> int:
        return int(self._first[-1])

    def take(self, numbers: IntArray) -> Floats:
        """Return the numbered rows, in the order asked: shape (len(numbers), width). Neighbours are read together."""
        taken = np.empty((len(numbers), self._files[0].width), self._files[0].dtype)
        order = np.argsort(numbers, kind="stable")
        wanted = numbers[order]
        which = np.searchsorted(self._first, wanted, side="right") - 1
        parts = np.flatnonzero((np.diff(wanted) != 1) | (np.diff(which) != 0)) + 1
        for run in np.split(np.arange(len(numbers)), parts) if len(numbers) else ():
            file, start = which[run[0]], wanted[run[0]]
            first = int(start - self._first[file])
            taken[order[run]] = self._files[file].between(first, first + len(run))
        return taken


def save_array(file: Path, array: npt.NDArray[Any]) -> None:
    """Write the array in NumPy's format. `OSError` when that fails."""
    whole = np.ascontiguousarray(array)
    with file.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(whole))
        # numpy's own writing tells an error at its end without the system's reason.
        stream.write(whole.tobytes() if whole.size < 2**20 else whole.data)
