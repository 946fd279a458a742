"""The figures as a page of the documentation."""

import datetime
import statistics
from collections.abc import Sequence

from bench.report import machine
from bench.scale.declaring import RESYNC_S, Flood, Heal
from bench.scale.hanging import Hang

PAGE = """\
# How herder scales

Written by `make bench-scale`; don't edit. {date}, {machine}.
Everything ran there together: etcd, the API server, {replicas} replicas of smg 1.13.0, the mock workers and herder.

## A flood

{flood.count:,} WorkerRegistrations, declared as fast as the API server took them, on {replicas} replicas. All became
Ready, and every replica listed each of them once. Beside it: the same workers posted to the same replicas, 32 at a time
each, by a program that asks nothing, checks nothing and writes nothing down.

| | |
|---|---:|
| posted by hand, until all are ready | {flood.raw_s:.1f} s |
| declared | {flood.declared_s:.1f} s |
| declared and Ready | {flood.ready_s:.1f} s |
| Ready, per second | {rate:.0f} |
| writes of a status, each | {status:.1f} |
| other writes of a resource, each (its finalizer) | {other:.1f} |
| Events, each | {events:.1f} |
| writes refused as stale | {refused} |
| herder's processor time, each | {cpu_ms:.1f} ms |
| the {replicas} replicas' processor time, each: they go on looking at what they list | {replicas_cpu_ms:.0f} ms |
| herder's memory at its highest | {flood.usage.peak_mib:.0f} MiB |

## A replica that lost everything

{heal_size} workers are declared. One of the {replicas} replicas is killed and started again with an empty registry,
{heals_count} times. Registries are compared every {resync} s. The times are medians.

| | |
|---|---:|
| posted by hand to a replica that is fresh, until all are ready | {raw_s:.2f} s |
| back by herder: from finding it empty to seeing all, as in `herder_replica_heal_seconds` | {heal_s:.2f} s |
| that beside posting by hand, the median of the pairs | {ratio:.2f} |
| back by herder, counted from the replica's first answer, noticing it included | {back_s:.2f} s |
| herder's processor time for it | {heal_cpu_s:.2f} s |

## A replica that hangs

{hang.count} workers are declared, four a second: once while all {replicas} replicas answer, once from the moment on
that one of them was frozen (SIGSTOP). It is the time from a declaration until both other replicas list it as ready.

| | median | 99th percentile |
|---|---:|---:|
| all replicas answer | {hang.all_well.median_s:.2f} s | {hang.all_well.p99_s:.2f} s |
| one hangs | {hang.one_hung.median_s:.2f} s | {hang.one_hung.p99_s:.2f} s |
"""


def page(flood: Flood, heals: Sequence[Heal], hang: Hang, replicas: int) -> str:
    """Return the page, as Markdown."""
    return PAGE.format(
        date=datetime.datetime.now(datetime.UTC).date(),
        machine=machine(),
        replicas=replicas,
        flood=flood,
        hang=hang,
        rate=flood.count / flood.ready_s,
        status=flood.writes["status"] / flood.count,
        other=(flood.writes["other"] - flood.count) / flood.count,  # each was applied once
        events=flood.writes["events"] / flood.count,
        refused=flood.writes["refused"],
        replicas_cpu_ms=flood.replicas_cpu_s / flood.count * 1e3,
        cpu_ms=flood.usage.cpu_s / flood.count * 1e3,
        heals_count=len(heals),
        heal_size=heals[0].count,
        resync=RESYNC_S,
        raw_s=statistics.median(heal.raw_s for heal in heals),
        back_s=statistics.median(heal.back_s for heal in heals),
        heal_s=statistics.median(heal.heal_s for heal in heals),
        ratio=statistics.median(heal.heal_s / heal.raw_s for heal in heals),
        heal_cpu_s=statistics.median(heal.usage.cpu_s for heal in heals),
    )
