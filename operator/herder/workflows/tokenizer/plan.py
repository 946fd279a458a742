"""What is to be loaded: one resource's declaration, and what tells one loading of a name from another."""

from dataclasses import dataclass
from functools import cached_property

from herder.api.tokenizer import TokenizerSpec
from herder.workflows.digest import digest
from herder.workflows.owner import Owner


@dataclass(frozen=True, slots=True)
class Content:
    """What is loaded under a name. The gateway lists the source and never shows the chat template."""

    source: str
    chat_template_path: str | None = None

    def fingerprint(self, name: str) -> str:
        """Return a hash of all that is sent for it: the same in every process and on every machine."""
        return digest(name, self.source, self.chat_template_path)


@dataclass(frozen=True)
class TokenizerPlan:
    """A tokenizer as declared. The gateway keeps nothing that would say whose it is: `owner` is for herder itself."""

    spec: TokenizerSpec
    owner: Owner

    @property
    def key(self) -> str:
        """The name under which every replica has it, at most once."""
        return self.spec.name

    @property
    def content(self) -> Content:
        """What is to be loaded under the name."""
        return Content(self.spec.source, self.spec.chat_template_path)

    @cached_property
    def spec_hash(self) -> str:
        """A hash of all that is declared and sent."""
        return self.content.fingerprint(self.key)
