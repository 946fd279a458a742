"""What a gateway replica can answer besides yes; the type says whether the same call may succeed later.

    GatewayError
    ├── Transient             try again: 408, 429, 5xx, an answer that is not what the API promises
    │   ├── Unavailable       no answer at all: refused, reset, deadline; the call may have been carried out
    │   ├── StillPending      the worker is registering, so a DELETE would be lost: not sent
    │   ├── Busy              an earlier change of this worker is still being applied: not sent
    │   └── FileUnreadable    the replica finds no file where a module is to be: it may be mounted later
    ├── Permanent             a person or a changed input must mend it: 400, 413, 422 and every other 4xx
    │   ├── Unauthorized      401, 403: the key is missing, wrong or lacks the role
    │   ├── Refused           herder's own policy, or TLS, forbids the connection
    │   ├── WasmDisabled      the replica was started without modules
    │   └── NotAComponent     the file is no WebAssembly component
    ├── Conflict              409
    │   ├── AlreadyExists     the URL is registered, perhaps draining
    │   ├── CreateInProgress  the URL is being registered
    │   ├── Draining          the worker is being removed and a replacement would be lost: not sent
    │   └── DuplicateModule   a module with the same content is registered
    └── Gone                  404: never added, failed, removed, or the replica restarted

Status codes end here: nothing above this room reads one. Every message is one printable line without a secret.
"""


class GatewayError(Exception):
    """A call on a replica that did not bring what was asked for."""


class Transient(GatewayError):
    """The same call may succeed later."""


class Unavailable(Transient):
    """The replica gave no answer; whether it carried the call out is unknown."""


class StillPending(Transient):
    """The worker is still registering. A DELETE now would not cancel that, and the worker would appear after it."""


class Busy(Transient):
    """An earlier change of this worker is still being applied; a second one would make the gateway drop one of them."""


class FileUnreadable(Transient):
    """The replica can't read a module's file, or it is empty: it may be mounted, or still be copied."""


class Permanent(GatewayError):
    """The same call will fail again until an input changes."""


class Unauthorized(Permanent):
    """The replica does not accept the API key, or the key's role may not do this."""


class Refused(Permanent):
    """The address policy or TLS forbids the connection; nothing was sent."""


class WasmDisabled(Permanent):
    """The replica was started without --enable-wasm and keeps no modules."""


class NotAComponent(Permanent):
    """The file that the replica read is no WebAssembly component."""


class Conflict(GatewayError):
    """The replica's registry holds something that stands in the way; `worker_id` names it where the replica said so."""

    def __init__(self, message: str, worker_id: str | None = None) -> None:
        super().__init__(message)
        self.worker_id = worker_id


class AlreadyExists(Conflict):
    """A worker with this URL is registered; it may be draining."""


class CreateInProgress(Conflict):
    """A worker with this URL is being registered."""


class Draining(Conflict):
    """The worker is being removed; what replaced it now would be removed with it."""


class DuplicateModule(Conflict):
    """A module with the same content, whatever its name, is registered; `sha256` is that content's."""

    def __init__(self, message: str, sha256: str) -> None:
        super().__init__(message)
        self.sha256 = sha256


class Gone(GatewayError):
    """The replica knows no such entry. That is no proof that none will appear: an add may still be running."""
