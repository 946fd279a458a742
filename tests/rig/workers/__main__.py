"""`python -m rig.workers --port P`: mock workers in a process of their own."""

import argparse
import asyncio

from rig.workers.server import WorkerServer


async def _serve(port: int) -> None:
    async with WorkerServer(port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve(parser.parse_args().port))
