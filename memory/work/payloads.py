"""What the jobs of memory are given. The API refuses what does not fit, and names the field."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints, model_validator

from memory.jobs.kinds import Payload
from memory.models import ID_LENGTH, Role

IMPORTED: Final = 1000  # messages in one import job
CONTENT: Final = 32 * 1024  # characters of a text

Id = Annotated[str, StringConstraints(max_length=ID_LENGTH)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=CONTENT)]


class ProcessMessages(Payload):
    """The messages of a conversation from one position to another."""

    conversation: UUID
    first: int = Field(ge=1, le=2**31 - 1)
    last: int = Field(ge=1, le=2**31 - 1)

    @model_validator(mode="after")
    def _is_a_range(self) -> ProcessMessages:
        if self.first > self.last:
            raise ValueError("first must not be greater than last")
        return self


class TextScope(Payload):
    """What the facts of a text are walled in by."""

    agent_id: Id = ""
    app_id: Id = ""
    run_id: Id = ""


class ProcessText(Payload):
    """A text to be read for facts."""

    text: Text
    scope: TextScope = TextScope()
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Redo(Payload):
    """Work that waits for a provider: `tries` says how often it was away."""

    tries: int = Field(default=0, ge=0)


class Reembed(Redo):
    """Memories of another model than today's, of one user or of the workspace; `after` is where a slice begins."""

    after: UUID | None = None


class IndexMessages(Redo):
    """Messages that search can't find yet, of one user or of the workspace; `after` is where a slice begins."""

    after: UUID | None = None


class IndexScope(Payload):
    """A user with so many memories that search needs an index of their vectors, or so few that it no longer does."""


class Enlarge(Payload):
    """A user with more messages than search reads as a whole."""


class Reread(Redo):
    """Messages and texts that the local extractor read in place of the configured one."""

    messages: list[UUID] = Field(default_factory=list, max_length=5000)
    texts: list[ProcessText] = Field(default_factory=list, max_length=1000)


class JudgeReviews(Redo):
    """The possible duplicates of a user that nobody has decided about; `after` is where a slice begins."""

    after: UUID | None = None


class FoldWindow(Payload):
    """A conversation whose window is full."""

    conversation: UUID


class RefreshSummary(Redo):
    """A conversation whose summary is made anew; `after` and `summary` are how far the slices before got."""

    conversation: UUID
    after: int = Field(default=0, ge=0)
    summary: str = ""


class Dedupe(Payload):
    """All active memories of a user; `after` is where a slice begins."""

    after: UUID | None = None


class GenerateResponse(Payload):
    """A question to the chat model, with what memory knows about the user."""

    query: Text
    conversation: UUID | None = None
    instructions: str = Field(default="", max_length=8000)
    budget_tokens: int = Field(default=2000, ge=100, le=32_000)
    max_tokens: int = Field(default=500, ge=1, le=4000)
    cached: bool = True


class WarmCache(Payload):
    """The most used entries of a cache."""

    cache: str = Field(min_length=1, max_length=64)
    limit: int = Field(default=100, ge=1, le=1000)


class ImportedMessage(Payload):
    """One message of an import; one without an external id gets one, so that a second run adds nothing."""

    role: Role
    content: Text
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH)] | None = None
    name: Id = ""
    created_at: AwareDatetime | None = None
    recalled: bool = False


class ImportMessages(Payload):
    """Messages to append to the conversation with this external id, which is made where there is none."""

    conversation: Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH)]
    messages: list[ImportedMessage] = Field(min_length=1, max_length=IMPORTED)


class Export(Payload):
    """A user's rows, or the workspace's; `table` and `after` are where a slice begins."""

    table: int = Field(default=0, ge=0, le=2)
    after: UUID | None = None
    number: int = Field(default=0, ge=0)


class EraseUser(Payload):
    """Everything of a user."""

    reason: str = Field(default="", max_length=500)


class Noop(Payload):
    """Nothing."""


class Drill(Payload):
    """How long to take, and how often to fail before it succeeds: HOLDFAST_JOB_ATTEMPTS times or more makes it dead."""

    sleep_ms: int = Field(default=0, ge=0, le=20_000)
    fail_times: int = Field(default=0, ge=0, le=100)
