"""The one latency sketch: counts in logarithmic buckets, merged exactly, quantiles within 1.09 % of the true value.

Bucket i holds the values in (BASE^(i-1), BASE^i] seconds with BASE = 2^(1/32): Prometheus' native-histogram schema 5.
A quantile answers 2·BASE^i/(BASE+1), the point of its bucket whose relative error is the same towards both bounds:
(BASE-1)/(BASE+1) = 1.083 % (DDSketch, Masson et al., VLDB 2019, §2.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

PER_OCTAVE: Final = 32
BASE: Final = 2 ** (1 / PER_OCTAVE)
LOWEST: Final = -30 * PER_OCTAVE  # 2^-30 s, about a nanosecond: zero and less are counted here
HIGHEST: Final = 20 * PER_OCTAVE  # 2^20 s, about twelve days
WIDTH: Final = HIGHEST - LOWEST + 1

Counts = npt.NDArray[np.float64]


def bucket(seconds: float) -> int:
    """The bucket of a duration. Raises ValueError for NaN; clamps to LOWEST … HIGHEST."""
    if seconds <= 0:
        return LOWEST
    if seconds == math.inf:
        return HIGHEST
    return clamp(math.ceil(math.log2(seconds) * PER_OCTAVE))


def clamp(index: int) -> int:
    return min(max(index, LOWEST), HIGHEST)


def value(index: int) -> float:
    """The duration in seconds that stands for a bucket."""
    return float(2 * BASE**index / (BASE + 1))


VALUES: Final = np.asarray([value(index) for index in range(LOWEST, HIGHEST + 1)])


@dataclass(slots=True)
class Sketch:
    """Observations of one latency series: {bucket: count} and their exact sum in seconds."""

    buckets: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, observations: Iterable[float]) -> Sketch:
        sketch = cls()
        for seconds in observations:
            index = bucket(seconds)
            sketch.buckets[index] = sketch.buckets.get(index, 0) + 1
            sketch.seconds += seconds
        return sketch

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def merge(self, other: Sketch) -> None:
        """Adds what `other` holds, as if its observations had been made here."""
        buckets = self.buckets
        for index, n in other.buckets.items():
            buckets[index] = buckets.get(index, 0) + n
        self.seconds += other.seconds

    def quantile(self, q: float) -> float | None:
        """The q-quantile (0 to 1, nearest rank) in seconds, None without observations."""
        return quantiles(self.buckets, (q,))[0]


def merged(sketches: Iterable[Sketch]) -> Sketch:
    whole = Sketch()
    for sketch in sketches:
        whole.merge(sketch)
    return whole


def quantiles(buckets: Mapping[int, int], qs: Sequence[float]) -> list[float | None]:
    """One walk over the buckets for ascending `qs`: for each the value of rank max(1, ⌈q·n⌉), None where n = 0."""
    total = sum(buckets.values())
    if not total:
        return [None] * len(qs)
    ranks = [rank(q, total) for q in qs]
    answers: list[float | None] = []
    reached = 0
    for index in sorted(buckets):
        reached += buckets[index]
        while len(answers) < len(ranks) and reached >= ranks[len(answers)]:
            answers.append(value(index))
    return answers


def rank(q: float, total: int) -> int:
    """The nearest rank, 1 … total. Raises ValueError outside 0 … 1."""
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile is a number from 0 to 1, got {q!r}")
    # A hair below the product: 0.95 x 20 is 19.000000000000004 in binary, and its rank is 19
    return min(total, max(1, math.ceil(q * total * (1 - 1e-12))))


def encode(buckets: Mapping[int, int]) -> bytes:
    """LEB128 varints: for each bucket in order its distance from the one before (the first from LOWEST), its count."""
    packed = bytearray()
    before = LOWEST
    for index in sorted(buckets):
        for number in (index - before, buckets[index]):
            while number > 0x7F:
                packed.append(number & 0x7F | 0x80)
                number >>= 7
            packed.append(number)
        before = index
    return bytes(packed)


def decode(packed: bytes) -> dict[int, int]:
    """What `encode` was given. Raises ValueError when the bytes end within a number or a pair."""
    _, indexes, counts = decode_many([packed])
    return dict(zip(indexes.tolist(), counts.tolist(), strict=True))


def decode_many(
    packed: Sequence[bytes],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All buckets of many encoded sketches at once, as three arrays: number of the sketch, bucket, count.

    Raises ValueError when a sketch ends within a number or a pair.
    """
    read = Joined.read(b"".join(packed), np.asarray([len(string) for string in packed], dtype=np.int64))
    return read.owners, read.buckets, read.counts


@dataclass(frozen=True, slots=True)
class Joined:
    """Many sketches one after the other: of each how many buckets it has, and of all buckets their counts."""

    sizes: npt.NDArray[np.int64]
    along: npt.NDArray[np.int64]  # running sum of the distances between buckets, over all sketches
    before: npt.NDArray[np.int64]  # of each sketch, what the sum was before it
    counts: npt.NDArray[np.int64]

    @classmethod
    def read(cls, packed: bytes, lengths: npt.NDArray[np.int64]) -> Joined:
        """Of the encoded sketches that lie in `packed`. Raises ValueError as `decode_many` does."""
        numbers, each = _varints(packed, lengths)
        if (each % 2).any():
            raise ValueError("an encoded sketch ends within a pair of bucket and count")
        sizes, along = each // 2, np.cumsum(numbers[::2])
        ends = np.cumsum(sizes)
        before = np.concatenate(([0], along))[ends - sizes]
        return cls(sizes, along, before, numbers[1::2])

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def buckets(self) -> npt.NDArray[np.int64]:
        return LOWEST + self.along - np.repeat(self.before, self.sizes)

    def merged(self, rows: npt.NDArray[np.int64], height: int) -> tuple[Counts, int]:
        """`height` rows of counts, as wide as the buckets that there are; and the first of these. As `table` does."""
        if not len(self.along):
            return np.zeros((height, 1)), LOWEST
        full = self.sizes > 0
        ends = np.cumsum(self.sizes)[full]
        first = int((self.along[ends - self.sizes[full]] - self.before[full]).min())
        width = int((self.along[ends - 1] - self.before[full]).max()) - first + 1
        # the rows' offsets are worked out by sketch: there are a hundred times more buckets
        cells = self.along + np.repeat(rows * width - self.before - first, self.sizes)
        counts = np.bincount(cells, weights=self.counts, minlength=height * width)
        return counts.astype(np.float64).reshape(height, width), LOWEST + first


def _varints(packed: bytes, lengths: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The LEB128 numbers of all strings, and how many each string has."""
    octets = np.frombuffer(packed, dtype=np.uint8)
    ends = np.flatnonzero(octets < 0x80)
    bounds = np.cumsum(lengths)
    if (octets[bounds[lengths > 0] - 1] >= 0x80).any():
        raise ValueError("an encoded sketch ends within a number")
    numbers = _short(octets)[ends].astype(np.int64)
    _lengthen(numbers, octets, ends)
    return numbers, np.diff(np.searchsorted(ends, bounds), prepend=0)


def _short(octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """At the last byte of each number of one or two bytes that number; elsewhere anything.

    Nearly all numbers are: told for every byte in arrays of 16 bits, they take half the time of picking them out.
    """
    wide = octets.astype(np.uint16)
    before = wide[:-1]
    goes_on = before >> 7
    wide[1:] += goes_on * (wide[1:] * 127 + (before & 0x7F))
    return wide


def _lengthen(numbers: npt.NDArray[np.int64], octets: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> None:
    """Works out the numbers of three bytes and more in their place. `ends` are their last bytes."""
    middle = np.flatnonzero((octets[1:] >= 0x80) & (octets[:-1] >= 0x80)) + 2
    longer = np.unique(np.searchsorted(ends, middle))
    numbers[longer], back = octets[ends[longer]], 1
    # the last byte is the most significant one: the others are met going back from it
    while len(longer := longer[(ends[longer] >= back) & (octets[ends[longer] - back] >= 0x80)]):
        numbers[longer] = numbers[longer] << 7 | octets[ends[longer] - back] & 0x7F
        back += 1


def table(packed: Sequence[bytes], rows: Sequence[int], height: int) -> Counts:
    """Merges encoded sketches into `height` rows of WIDTH dense counts; `rows[i]` is the row that sketch i goes to."""
    owners, indexes, counts = decode_many(packed)
    cells = np.asarray(rows, dtype=np.int64)[owners] * WIDTH + indexes - LOWEST
    return np.bincount(cells, weights=counts, minlength=height * WIDTH).astype(np.float64).reshape(height, WIDTH)


def table_quantiles(counts: Counts, q: float, *, lowest: int = LOWEST) -> list[float | None]:
    """The q-quantile of each row of `table` in seconds, None where the row is empty. Its first column is `lowest`."""
    reached = np.cumsum(counts, axis=1)
    totals = reached[:, -1]
    columns = (reached >= _ranks(q, totals)[:, None]).argmax(axis=1)
    found = VALUES[columns + lowest - LOWEST].tolist()
    return [seconds if total else None for seconds, total in zip(found, totals.tolist(), strict=True)]


def _ranks(q: float, totals: Counts) -> Counts:
    """What `rank` says of each total; of none 1."""
    rank(q, 1)  # raises ValueError
    ranks: Counts = np.maximum(1, np.minimum(totals, np.ceil(q * totals * (1 - 1e-12))))
    return ranks
