"""Makes the seeds from what was captured and from hand-made bytes. Usage: python make.py (in this folder)"""

import pathlib
import struct

here = pathlib.Path(__file__).parent
captured = here.parent.parent / "tests" / "data" / "remote"


def put(target, name, data):
    (here / target).mkdir(exist_ok=True)
    (here / target / name).write_bytes(data)


def message(*frames, n_inside=None):
    """A message whose frames from `n_inside` on follow its unsplit part."""
    inside = frames if n_inside is None else frames[:n_inside]
    table = struct.pack(f"<{1 + len(frames)}Q", len(frames), *map(len, frames))
    unsplit = table + b"".join(inside)
    return struct.pack("<Q", len(unsplit)) + unsplit + b"".join(frames[len(inside):])


HEADER = (
    b"\x85\xaaserializer\xa4dask\xa4type\xa5bytes\xabcompression\x91\xa3lz4\xb4split-num-sub-frames\x91\x01"
    b"\xaenum-sub-frames\x01"
)
LZ4 = b"\x2f\0\0\0\x3fabc\x03\x00\x14\x50xyz12"

for path in sorted(captured.iterdir()):
    if path.suffix == ".message":
        put("frame", path.stem, path.read_bytes())
        put("message", path.stem, path.read_bytes())
    if path.suffix == ".pickle":
        put("pickle", path.stem, path.read_bytes())
put("frame", "split", message(b"\x01", b"", b"ab", n_inside=1))
put("frame", "empty", message(b""))
put("message", "lz4", message(b"\x81\xa1d\x81\xae__Serialized__\x01", HEADER, LZ4))
put("message", "set", message(b"\x92\x82\xa7__Set__\xc3\xa7as-list\x92\x01\x02\xcf\xff\xff\xff\xff\xff\xff\xff\xff"))
put("message", "split", message(b"\x81\xae__Serialized__\x01", HEADER, LZ4, n_inside=2))
put("pickle", "global", b"\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.")
put("pickle", "cycle", b"\x80\x04]\x94h\x00a.")
put("pickle", "old", b"\x80\x02}q\x00(K\x01](K\x02M\x00\x01J\xff\xff\xff\xffeK\x03\x8b\x02\x00\x00\x00\x01\x02u.")
put("pickle", "buffers", b"\x80\x05\x97\x98\x96\x02\x00\x00\x00\x00\x00\x00\x00ab\x86.")
put("pickle", "object", b"\x80\x04\x8c\x01m\x8c\x01c\x93)\x81\x94}(\x8c\x01aK\x01ub(K\x01K\x02eh\x00\x8c\x01k\x88s.")
