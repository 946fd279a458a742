"""The two workflows for tokenizers on real gateway replicas: the real engine and client in real time, no Kubernetes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from herder.api.base import parse
from herder.api.tokenizer import LoadedTokenizer, TokenizerSpec
from herder.engine import WorkflowEngine
from herder.gateway.replica import Replica
from herder.workflows.entry import Entry
from herder.workflows.tokenizer import (
    Content,
    TokenizerPlan,
    TokenizerRegistration,
    TokenizerRemoval,
    registration,
    removal,
)
from real.workflows.runs import OWNER, CountingHttp, Ended
from rig.gateway import Smg
from rig.tokenizers import loaded

NAME = "org/model"
_LIMIT_S = 60.0


def plan(source: object, **spec: Any) -> TokenizerPlan:
    """A declared tokenizer."""
    declared = {"gatewayRef": {"name": "gw"}, "name": NAME, "source": str(source), **spec}
    return TokenizerPlan(parse(TokenizerSpec, declared), OWNER)


@dataclass(frozen=True)
class TokenizerRuns:
    """Runs workflows on `smgs`; `http` counts what they send."""

    smgs: tuple[Smg, ...]
    http: CountingHttp
    engine: WorkflowEngine = field(default_factory=WorkflowEngine)
    replicas: tuple[Replica, ...] = field(init=False)

    def __post_init__(self) -> None:
        replicas = tuple(Replica(smg.url, self.http, call_deadline_s=3.0) for smg in self.smgs)
        object.__setattr__(self, "replicas", replicas)

    @property
    def loaded(self) -> list[str | None]:
        """The source of what each replica has under the name."""
        return [loaded(smg.url).get(NAME) for smg in self.smgs]

    def count(self, method: str) -> list[int]:
        """How many requests of this method went to the tokenizers of each replica."""
        sent = self.http.sent
        return [
            sum(n for line, n in sent.items() if line.startswith(f"{method} {smg.url}/v1/tokenizers"))
            for smg in self.smgs
        ]

    def data(
        self,
        plan: TokenizerPlan,
        entries: Mapping[str, Entry] | None = None,
        *,
        adopt: bool = False,
        held: LoadedTokenizer | None = None,
    ) -> TokenizerRegistration:
        """The data of a registration that goes on from the records `entries`."""
        return TokenizerRegistration(plan, self.replicas, adopt, held, entries=dict(entries or {}))

    async def register(
        self,
        plan: TokenizerPlan,
        entries: Mapping[str, Entry] | None = None,
        *,
        adopt: bool = False,
        held: LoadedTokenizer | None = None,
        budget_s: int = 30,
    ) -> Ended[TokenizerRegistration]:
        """Run `tokenizer-registration` to its end."""
        data = self.data(plan, entries, adopt=adopt, held=held)
        return await self.wait(await self.start(data, budget_s=budget_s), data)

    async def start(self, data: TokenizerRegistration, *, budget_s: int = 30) -> str:
        """Start `tokenizer-registration`; returns its instance."""
        definition = registration(budget_s)
        self.engine.register_workflow(definition)
        return await self.engine.start_workflow(definition.id, data)

    async def remove(self, plan: TokenizerPlan, entries: Mapping[str, Entry]) -> Ended[TokenizerRemoval]:
        """Run `tokenizer-removal` to its end."""
        content = Content(plan.spec.source, plan.spec.chat_template_path)
        data = TokenizerRemoval(NAME, self.replicas, (content,), entries=dict(entries))
        definition = removal(30)
        self.engine.register_workflow(definition)
        return await self.wait(await self.engine.start_workflow(definition.id, data), data)

    async def wait[D](self, instance_id: str, data: D) -> Ended[D]:
        """Wait for the end of a run."""
        return Ended(await self.engine.wait_for_completion(instance_id, _LIMIT_S), data)
