"""A Python client and Rust workers: numbers go out, are worked on in Rust, and come back.

    dask scheduler --host 127.0.0.1 --port 8786
    hyperslab-worker tcp://127.0.0.1:8786
    python examples/python_client.py tcp://127.0.0.1:8786 path/to/hyperslab-worker

Needs the packages distributed, numpy and xxhash. A task for a Rust worker is bytes that say what to run on which inputs;
the scheduler and this client hand them on without a look inside. Python holds them as the arguments of a function that is
never called, which is also how the scheduler sees what depends on what.

The formats below are those of one release of hyperslab, in which they may change with every release: a worker refuses
what it does not know.
"""

import struct
import subprocess
import sys
import uuid

import numpy as np
import xxhash
from dask._task_spec import Task, TaskRef
from distributed import Client

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]


def identity(*args):
    """Stands in for the Rust kernel; only ever named, never called."""
    raise RuntimeError("this task is for Rust workers")


# Values: a header, then the elements.


def encode(array):
    array = np.asarray(array, order="C")
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    dtype = DTYPES.index(array.dtype.str[1:] if array.dtype.kind != "b" else "?")
    axes = struct.pack(f"<{array.ndim}Q", *array.shape) + bytes(range(array.ndim))
    return b"HSVB\x01\x00" + bytes([dtype, array.ndim]) + axes + array.tobytes()


def decode(content):
    magic, version, layout, dtype, ndim = struct.unpack_from("<4sBBBB", content)
    assert (magic, version, layout) == (b"HSVB", 1, 0), "no dense value of this version"
    shape = struct.unpack_from(f"<{ndim}Q", content, 8)
    order = content[8 + 8 * ndim : 8 + 9 * ndim]
    elements = np.frombuffer(content, DTYPES[dtype], offset=8 + 9 * ndim)
    stored = elements.reshape([shape[axis] for axis in order])
    return stored.transpose(np.argsort(list(order)) if ndim else [])


# Tasks, in the notation of postcard: numbers of seven bits a byte, lists and texts after their lengths.


def number(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def listed(items):
    return number(len(items)) + b"".join(items)


def text(content):
    content = content.encode() if isinstance(content, str) else content
    return number(len(content)) + content


def numbers(ns):
    return listed([number(n) for n in ns])


class Worker:
    """What is to be known of the program of the workers: it names its version and its kernels."""

    def __init__(self, program):
        manifest = subprocess.run([program, "--manifest"], capture_output=True, check=True, text=True).stdout
        self.hash = xxhash.xxh3_128_intdigest(manifest.rstrip("\n").encode()).to_bytes(16, "little")

    def payload(self, label, block, task_bytes, inputs, work):
        body = text(label) + numbers(block) + number(task_bytes) + listed(inputs) + work
        return b"HSTK\x01" + self.hash + body

    def constant(self, array):
        """A block that is given."""
        return self.payload("numpy", [0] * array.ndim, array.nbytes, [], number(1) + encode(array))

    def call(self, kernel, parameters, array, group, dtype):
        """A named kernel on the only block of `group`."""
        source = text(group) + numbers([1] * array.ndim) + numbers([0])
        ranges = b"\x01" + listed([number(0) + number(n) for n in array.shape])
        place = numbers([0] * array.ndim) + numbers([1] * array.ndim) + ranges
        call = number(2) + text(kernel) + number(1) + text(parameters) + place + number(DTYPES.index(dtype))
        return self.payload(kernel, [0] * array.ndim, 4 * array.nbytes + 4096, [source], number(0) + call)


def main(address, program):
    worker = Worker(program)
    array = np.linspace(-8.0, 8.0, 10).reshape(2, 5)
    tag = uuid.uuid4().hex
    key = lambda group: str((group,) + (0,) * array.ndim)
    given, mantissa, exponent = (f"{name}-{tag}" for name in ("numpy", "mantissa", "exponent"))
    graph = {
        key(given): Task(key(given), identity, worker.constant(array)),
        key(mantissa): Task(
            key(mantissa), identity, worker.call("hyperslab.mantissa", b"", array, given, "f8"), TaskRef(key(given))
        ),
        key(exponent): Task(
            key(exponent), identity, worker.call("hyperslab.exponent", b"", array, given, "i4"), TaskRef(key(given))
        ),
    }
    with Client(address) as client:
        results = client.get(graph, [key(mantissa), key(exponent)])
    mantissas, exponents = (decode(bytes(result)) for result in results)
    expected = np.frexp(array)
    assert np.array_equal(mantissas, expected[0]) and np.array_equal(exponents, expected[1])
    print(mantissas)
    print(exponents)
    print("the same as numpy.frexp")


if __name__ == "__main__":
    main(*sys.argv[1:])
