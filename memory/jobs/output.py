"""What a job made for somebody to fetch: JSON lines in compressed pieces, written and read in order."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import zstandard

from memory.models import JobOutput

ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878 §3.1.1: every frame begins with it
PIECE_LIMIT = 64 * 1024 * 1024  # bytes of a piece when unpacked


def write(job_id: uuid.UUID, number: int, records: Iterable[Any]) -> int:
    """Keep records as piece `number` of the job's output, in place of one that is there; how many bytes that takes."""
    lines = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for record in records)
    body = zstandard.compress(lines)
    JobOutput.objects.update_or_create(job_id=job_id, number=number, defaults={"body": body})
    return len(body)


def read(job_id: uuid.UUID) -> Iterator[bytes]:
    """The JSON lines, piece by piece."""
    numbers = JobOutput.objects.filter(job_id=job_id).order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        yield unpacked(bytes(JobOutput.objects.values_list("body", flat=True).get(job_id=job_id, number=number)))


def exists(job_id: uuid.UUID) -> bool:
    """Whether the job has made any output."""
    return JobOutput.objects.filter(job_id=job_id).exists()


def unpacked(body: bytes) -> bytes:
    """Plain bytes of a piece, which zstd or zlib has packed."""
    if body.startswith(ZSTD):
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=PIECE_LIMIT)
    return zlib.decompress(body)
