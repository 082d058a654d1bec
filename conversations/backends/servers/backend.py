"""What every backend that talks to a model server is: its options, its checks, and the way of one reply."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, ClassVar

from django.core.checks import CheckMessage

from conversations.backends.base import ChatBackend
from conversations.backends.offers import Offer
from conversations.backends.servers.address import Address
from conversations.backends.servers.checks import check_options
from conversations.backends.servers.limits import Limits, Watch
from conversations.backends.servers.listing import label_of, offers
from conversations.backends.servers.reply import Chunk, ReplyReader
from conversations.backends.servers.request import OptionalFields
from conversations.backends.servers.sentences import Sentences
from conversations.backends.tuning import MAX_TOKENS, MEMORY, TEMPERATURE, TOP_K, TOP_P
from conversations.errors import BackendError
from conversations.types import ChatRequest, Delta

TAIL = 2.0  # seconds to wait for the token counts once the reply is finished


class ServerBackend(ChatBackend):
    """A model behind `/chat/completions`. A subclass says how chunks are fetched: `_batches`."""

    lists_everything = True
    sentences_class: ClassVar[type[Sentences]] = Sentences
    settings = (TEMPERATURE, MAX_TOKENS, MEMORY, TOP_P)

    def __init__(
        self,
        alias: str = "",
        *,
        base_url: str,
        api_key: str = "",
        models: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        connect_timeout: float = 5,
        first_token_timeout: float = 60,
        read_timeout: float = 60,
        deadline: float = 600,
        max_length: int = 1_000_000,
        label: str = "",
        can_continue: bool = False,
        variables: Mapping[str, str] | None = None,
        knows_top_k: bool = False,
    ):
        """`variables`: how whoever runs the site calls api_key and base_url, where it is not by these names."""
        super().__init__(alias)
        self.address = Address.parse(base_url)
        self.api_key = api_key.strip()
        self.headers = dict(headers or {})
        self.limits = Limits(connect_timeout, first_token_timeout, read_timeout, deadline)
        self.max_length = max_length
        self.label = label or self.address.host  # type: ignore[misc]
        self._model_ids = models
        self.supports_continue = can_continue  # type: ignore[misc]
        if knows_top_k:
            self.settings = (*self.settings, TOP_K)  # type: ignore[misc]
        self._fields = OptionalFields(can_continue=can_continue)
        secrets = (self.api_key, self.address.password, *self.headers.values())
        self._variables = dict(variables or {})
        self.sentences = self.sentences_class(
            self.label, alias, self.address.netloc, tuple(filter(None, secrets)), self._variables
        )

    async def stream(self, request: ChatRequest) -> AsyncIterator[Delta]:
        """The reply as the server streams it. A stream that just stops ends without a finish reason.

        Raises BackendTimeout, BackendUnavailable or another BackendError, each with a sentence for the reader;
        deltas yielded before stay valid.
        """
        self._require_address()
        reply = ReplyReader(self.sentences, request.model, self.max_length)
        watch = Watch(self.limits, self.sentences.timed_out)
        try:
            with self._telling(watch):
                async with aclosing(self._batches(request, reply, watch)) as batches:
                    async for batch in batches:
                        for delta in reply.read_all(batch):
                            watch.begin()
                            yield delta
                        if reply.is_cut:
                            break
                        if reply.finish_reason:
                            watch.shorten(TAIL)
        except BackendError:
            if not reply.finish_reason:  # what breaks after the finish takes nothing from the reply
                raise
        if (last := reply.end()) is not None:
            yield last

    async def offers(self) -> Sequence[Offer]:
        """What the server itself says it offers. Raises BackendError."""
        self._require_address()
        watch = Watch(self.limits, self.sentences.timed_out)
        with self._telling(watch):
            listing = await self._listing(watch)
        try:
            return offers(listing)
        except ValueError:
            raise self.sentences.not_a_chat_server() from None

    @abstractmethod
    def _batches(self, request: ChatRequest, reply: ReplyReader, watch: Watch) -> AsyncGenerator[Iterable[Chunk], None]:
        """The chunks of the reply, as many at a time as have arrived. Each wait stands under `with watch`.

        Closing the generator closes the upstream connection. Raises BackendError, and what `_translated` knows.
        """

    @abstractmethod
    async def _listing(self, watch: Watch) -> bytes:
        """The body of GET /models. Raises BackendError, and what `_translated` knows."""

    @abstractmethod
    def _translated(self, error: Exception, watch: Watch) -> BackendError | None:
        """The sentence for what the client library raised; None for what it never raises: that is a bug of ours."""

    @contextmanager
    def _telling(self, watch: Watch) -> Iterator[None]:
        """Turns what the client library raises into sentences, and ends the watch. Bugs pass as they are."""
        try:
            yield
        except BackendError:
            raise
        except Exception as error:
            fault = self._translated(error, watch)
            if fault is None:
                raise
            raise fault from error
        finally:
            watch.close()

    def _require_address(self) -> None:
        if self.address.problem:
            raise self.sentences.misconfigured()

    def models(self) -> Sequence[dict[str, Any]]:
        """What OPTIONS name; without names one entry, for whatever the server offers first."""
        return [{"model_id": name, "label": label_of(name) or self.label} for name in self._model_ids or ("",)]

    def check(self) -> Iterable[CheckMessage]:
        return check_options(
            self.alias, self.address, self.api_key, self._model_ids, self.limits, variables=self._variables
        )
