"""Mock inference workers: any number of them on one port, each with a script of its own that can change at any time.

`WorkerServer` serves them in this process's event loop; `WorkerProcess` serves them in a process of their own, where a
blocked loop or a debugger in the test does not make them sick.
"""

from rig.workers.client import MockWorker, MockWorkers, WorkerProcess
from rig.workers.script import Answer, Script
from rig.workers.server import Received, WorkerServer

__all__ = ["Answer", "MockWorker", "MockWorkers", "Received", "Script", "WorkerProcess", "WorkerServer"]
