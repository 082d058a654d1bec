"""Hugging Face: Inference Providers through the router, or any endpoint of one's own, by huggingface_hub's client.

A site with hundreds of replies at a time spends two thirds of the CPU on them with ChatCompletionsBackend, which the
router takes as well: OPTIONS = {"base_url": "https://router.huggingface.co/v1", "api_key": …}.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error

from conversations.backends.offers import Offer
from conversations.backends.servers.backend import ServerBackend
from conversations.backends.servers.hub_models import ROUTER_MODELS
from conversations.backends.servers.limits import Watch
from conversations.backends.servers.listing import label_of
from conversations.backends.servers.refusal import Refusal
from conversations.backends.servers.reply import Chunk, ReplyReader
from conversations.errors import BackendError
from conversations.types import ChatRequest

if TYPE_CHECKING:
    from huggingface_hub import AsyncInferenceClient

ROUTER = "https://router.huggingface.co/v1"


class HuggingFaceBackend(ServerBackend):
    """OPTIONS:

    api_key               a token of huggingface.co that may call Inference Providers (hf_…)
    base_url              the router by default; or an Inference Endpoint, TGI, vLLM, up to and including /v1
    models                names for the catalogue; by default a selection of what the router offers.
                          A name may carry its provider: google/gemma-2-9b-it:featherless-ai
    provider              appended to names that carry none: a provider, or "fastest", "cheapest"
    bill_to               the organization that pays, if it is not the owner of the token
    headers               more headers to send
    connect_timeout       seconds until the connection stands (5)
    first_token_timeout   seconds of silence before the first token (60)
    read_timeout          seconds of silence between tokens (60)
    deadline              seconds for the whole reply (600)
    max_length            characters after which an endless reply is cut (1,000,000)
    can_continue          the server goes on from a last message by the assistant: vLLM, transformers, llama.cpp (False)
    knows_top_k           people may set top_k: vLLM, TGI, llama.cpp, transformers know it, OpenAI does not (False)
    label                 what people are told they wait for
    """

    def __init__(
        self,
        alias: str = "",
        *,
        api_key: str,
        base_url: str = ROUTER,
        provider: str = "",
        bill_to: str = "",
        label: str = "Hugging Face",
        **options: Any,
    ):
        super().__init__(alias, base_url=base_url, api_key=api_key, label=label, **options)
        self.provider = provider
        self.bill_to = bill_to
        self._hub: ModuleType | None = None

    def models(self) -> Sequence[dict[str, Any]]:
        names = self._model_ids or [model["model_id"] for model in ROUTER_MODELS]
        entries = [{"model_id": name, **_known(name)} for name in names]
        return [{**entry, "use_case": str(entry.get("use_case", ""))} for entry in entries]

    async def offers(self) -> Sequence[Offer]:
        """What the router lists, with what is known of each beside."""
        return [_enriched(offer) for offer in await super().offers()]

    def check(self) -> Iterable[CheckMessage]:
        yield from super().check()
        if not self.api_key:
            yield Error(
                f"The connection “{self.alias}” has no token for Hugging Face.",
                hint="Set HF_TOKEN to a token from https://huggingface.co/settings/tokens "
                "that may call Inference Providers.",
                id="conversations.E115",
            )

    async def aclose(self) -> None:
        if self._hub is not None:
            await self._hub.close()

    async def _batches(
        self, request: ChatRequest, reply: ReplyReader, watch: Watch
    ) -> AsyncGenerator[Iterable[Chunk], None]:
        hub = await self._load()
        client = hub.inference_client(
            self.address.url(), self.api_key, self.limits, headers=self.headers, bill_to=self.bill_to or None
        )
        try:
            chunks = await self._accepted(client, request, watch)
            while True:
                with watch:
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                yield (hub.plain(chunk),)
        except hub.MALFORMED as error:
            raise self.sentences.malformed() from error
        finally:
            await client.close()

    async def _accepted(self, client: AsyncInferenceClient, request: ChatRequest, watch: Watch) -> AsyncIterator:
        """The stream to read. Asks again without a field that the server refuses; raises BackendError otherwise."""
        model = self._model_of(request)
        while True:
            fields = self._fields.of(request)
            try:
                with watch:
                    return await client.chat_completion(
                        self._fields.messages(request), model=model, stream=True, extra_body=fields
                    )
            except self._hub.HfHubHTTPError as error:
                refusal = self._hub.refusal_of(error)
                if not self._fields.learn(request.model, fields, refusal):
                    raise self.sentences.refused(refusal, model) from error

    async def _listing(self, watch: Watch) -> bytes:
        hub = await self._load()
        with watch:
            return await hub.get(self.address.url("/models"), self.api_key, self.limits)

    def _translated(self, error: Exception, watch: Watch) -> BackendError | None:
        if self._hub is None:  # it cannot be imported
            return None
        return self._hub.translated(error, self.sentences, self.limits, begun=watch.has_begun)

    def _model_of(self, request: ChatRequest) -> str:
        model = request.model or self.models()[0]["model_id"]
        return f"{model}:{self.provider}" if self.provider and ":" not in model else model

    async def _load(self) -> ModuleType:
        """The client library, in a thread: its import takes longer than the event loop may stand still.

        Raises BackendError without a token: the library would then send one that it finds on this machine.
        """
        if not self.api_key:
            raise self.sentences.refused(Refusal(401))
        if self._hub is None:
            self._hub = await asyncio.to_thread(importlib.import_module, "conversations.backends.servers.hub_client")
        await self._hub.close_stale()
        return self._hub


def _known(model_id: str) -> dict[str, Any]:
    return next((model for model in ROUTER_MODELS if model["model_id"] == model_id), {"label": label_of(model_id)})


def _enriched(offer: Offer) -> Offer:
    """Name and use case as the selection has them; sizes and prices as the router tells them today."""
    known = next((model for model in ROUTER_MODELS if model["model_id"] == offer.model_id), None)
    if known is None:
        return offer
    texts = {"use_case": str(known["use_case"]), "licence": known["licence"]}
    names = (
        {"label": variant.fields["label"].replace(offer.fields["label"], known["label"], 1)}
        for variant in offer.variants
    )
    variants = (Offer({**v.fields, **texts, **name}) for v, name in zip(offer.variants, names, strict=True))
    return Offer({**offer.fields, **texts, "label": known["label"]}, tuple(variants))
