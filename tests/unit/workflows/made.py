"""What the tests make plans, listed workers and records of: one of each, with what matters in the test changed."""

from typing import Any

from herder.api.base import parse
from herder.api.worker import WorkerRegistrationSpec
from herder.gateway.types import Job, Model, Worker, WorkerStatus
from herder.workflows.owner import Owner
from herder.workflows.plan import Plan

URL = "http://10.0.0.7:8000"
ID = "00000000-0000-4000-8000-000000000007"
OTHER_ID = "00000000-0000-4000-8000-000000000008"
OWNER = Owner("cluster", "ns", "name", "uid")
STRANGER = Owner("cluster", "ns", "other", "uid-2")


def plan(api_key: str | None = None, owner: Owner = OWNER, **spec: Any) -> Plan:
    """A declared worker; `spec` in the words of the manifest."""
    return Plan(parse(WorkerRegistrationSpec, {"gatewayRef": {"name": "gw"}, "url": URL, **spec}), owner, api_key)


def worker(job: Job | None = None, **fields: Any) -> Worker:
    """An entry that is listed as `plan()` declares it, with the job that GET shows of it."""
    shown: dict[str, Any] = {
        "id": ID,
        "url": URL,
        "status": WorkerStatus.READY,
        "model_id": "mock-model",
        "models": (Model(id="mock-model"),),
        "worker_type": "regular",
        "connection_mode": "http",
        "runtime_type": "sglang",
        "labels": OWNER.label,
        "priority": 50,
        "cost": 1.0,
    }
    return Worker.model_validate(shown | fields | {"job_status": job})


def change(kind: str = "AddWorker", status: str = "processing", message: str | None = None) -> Job:
    """A change that has not succeeded (yet)."""
    return Job.model_validate({"job_type": kind, "status": status, "message": message})
