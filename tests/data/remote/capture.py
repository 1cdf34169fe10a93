"""Captures what a stock scheduler and its libraries write, as test data. Usage: python capture.py (in this folder)"""

import asyncio
import pickle
import struct

from dask._task_spec import Task, TaskRef, identity
from distributed import Scheduler
from distributed.comm import parse_host_port
from distributed.core import error_message
from distributed.protocol import dumps
from distributed.protocol.serialize import ToPickle
from distributed.comm.tcp import _add_frames_header


def message(value):
    return b"".join(bytes(part) for part in _add_frames_header(dumps(value))[0])


async def read_raw(reader):
    head = await reader.readexactly(8)
    return head + await reader.readexactly(struct.unpack("<Q", head)[0])


async def conversation():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        host, port = parse_host_port(scheduler.address)
        reader, writer = await asyncio.open_connection(host, port)
        handshake = await read_raw(reader)
        writer.close()
    return handshake


# Frames of this file would put its path into the tracebacks.
THROW = """
from distributed.core import Server, error_message
try:
    Server.echo(None, nonsense=1)
except TypeError as error:
    reply = error_message(error, status="uncaught-error")
try:
    1 / 0
except ZeroDivisionError as error:
    exception = error_message(error)["exception"].data
"""
thrown = {"__name__": "thrown", "__file__": "thrown.py"}
exec(compile(THROW, "thrown.py", "exec"), thrown)


def order():
    task = Task("sum-1", identity, b"RSK1 payload", TaskRef("leaf-0"), TaskRef(("leaf", 0, 1)))
    return {
        "op": "compute-task",
        "key": "sum-1",
        "run_id": 3,
        "priority": (0, 1, 2),
        "stimulus_id": "s-1",
        "who_has": {"leaf-0": ("tcp://127.0.0.1:1",), ("leaf", 0, 1): ("tcp://127.0.0.1:2",)},
        "nbytes": {"leaf-0": 8, ("leaf", 0, 1): 16},
        "run_spec": ToPickle(task),
        "resource_restrictions": None,
        "actor": False,
        "annotations": {},
        "span_id": None,
    }


captured = {
    "handshake.message": asyncio.run(conversation()),
    "error_reply.message": message(thrown["reply"]),
    "exception.pickle": thrown["exception"],
}
captured["compute_task.message"] = message([order()])
captured["containers.pickle"] = pickle.dumps(
    {"list": [1, -1, 2**70, 1.5, None, True], "set": {1}, "frozen": frozenset([2]), "tuple": ((), (1, 2, 3, 4)), "bytearray": bytearray(b"ab")}, 5
)
for name, data in captured.items():
    with open(name, "wb") as file:
        file.write(data)
    print(name, len(data))
