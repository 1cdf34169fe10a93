"""Writes cases whose answers come from NumPy: python generate.py SEED CASES_PER_OPERATION > more.jsonl"""

import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")

BOOL, SIGNED, UNSIGNED = ["?"], ["i1", "i2", "i4", "i8"], ["u1", "u2", "u4", "u8"]
INTS = SIGNED + UNSIGNED
FLOATS, COMPLEX = ["f4", "f8"], ["c8", "c16"]
REAL = BOOL + INTS + FLOATS
ALL = REAL + COMPLEX
COMMON = ["i8", "f8", "i8", "f8", "?", "i1", "u1", "f4", "c16"]


def plain(x):
    """A number as JSON holds it."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (complex, np.complexfloating)):
        return {"re": plain(float(x.real)), "im": plain(float(x.imag))}
    if isinstance(x, (float, np.floating)):
        x = float(x)
        if x != x:
            return "NaN"
        if x in (float("inf"), float("-inf")):
            return "Infinity" if x > 0 else "-Infinity"
        return "-0.0" if x == 0 and np.signbit(x) else x
    return int(x)


def nested(a):
    return plain(a[()]) if a.ndim == 0 else [nested(part) for part in a]


def answer(result):
    if isinstance(result, (tuple, list)):
        return {"kind": "tuple", "items": [answer(item) for item in result]}
    result = np.asarray(result)
    return {"kind": "array", "shape": list(result.shape), "dtype": str(result.dtype), "values": nested(result)}


def has_half(result):
    if isinstance(result, (tuple, list)):
        return any(has_half(item) for item in result)
    return np.asarray(result).dtype in (np.dtype("f2"), np.dtype("O"), np.dtype("g"), np.dtype("G"))


def is_narrow(arrays, result):
    """Functions of small integers give half or single precision in NumPy, and double precision here."""
    single = np.asarray(result[0] if isinstance(result, (tuple, list)) else result).dtype == np.dtype("f4")
    return single and all(a.dtype.kind in "biu" for a in arrays)


class Cases:
    """Random arrays, and the cases made of them."""

    def __init__(self, seed, n):
        self.rng = np.random.default_rng(seed)
        self.n = n
        self.seed = seed
        self.lines = []

    def one_of(self, items):
        return items[int(self.rng.integers(len(items)))]

    def chance(self, p):
        return self.rng.random() < p

    def shape(self, low=0, high=4):
        lens = [0, 1, 1, 2, 3, 3, 4, 5] if self.chance(0.2) else [1, 2, 3, 4, 5, 3]
        return tuple(self.one_of(lens) for _ in range(int(self.rng.integers(low, high + 1))))

    def array(self, shape, dtype, wild=True):
        dtype = np.dtype(dtype)
        n = int(np.prod(shape))
        wild = wild and self.chance(0.3)
        if dtype.kind == "b":
            values = self.rng.random(n) < 0.5
        elif dtype.kind in "iu":
            values = self.rng.integers(0 if dtype.kind == "u" else -4, 7, n).astype(dtype)
            info = np.iinfo(dtype)
            for at in range(n if wild else 0):
                if self.chance(0.2):
                    values[at] = self.one_of([info.min, info.max, info.max - 1, 0, 1])
        elif dtype.kind == "f":
            values = (np.round(self.rng.normal(0, 3, n) * 4) / 4).astype(dtype)
            for at in range(n if wild else 0):
                if self.chance(0.25):
                    values[at] = self.one_of([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-30, np.nan])
            if wild and self.chance(0.1):
                values[:] = np.nan
        else:
            part = "f4" if dtype == np.dtype("c8") else "f8"
            values = self.array((n,), part, False) + 1j * self.array((n,), part, False)
        return np.asarray(values, dtype).reshape(shape)

    def chunks(self, n):
        if n == 0:
            return [0]
        sizes = []
        while sum(sizes) < n:
            sizes.append(int(self.rng.integers(1, n - sum(sizes) + 1)))
        if self.chance(0.05):
            sizes.insert(int(self.rng.integers(len(sizes) + 1)), 0)
        return sizes

    def setup(self, name, a):
        a = np.asarray(a)
        return {
            "name": name,
            "kind": "chunked",
            "shape": list(a.shape),
            "dtype": str(a.dtype),
            "values": nested(a),
            "chunks": [self.chunks(n) for n in a.shape],
        }

    def add(self, area, op, arrays, args, work, zeros=True, rtol=None):
        """A case from what `work` gives of the arrays: an answer or an error."""
        copies = [np.array(a) for a in arrays]
        try:
            result, verdict = work(*copies), "port"
            if has_half(result) or any(a.dtype == np.dtype("f2") for a in copies):
                return
            if is_narrow(copies, result):
                return
            expected = answer(result)
        except (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError) as error:
            expected, verdict = {"kind": "error", "error_type": type(error).__name__}, "must-error"
        single = any(np.asarray(a).dtype in (np.dtype("f4"), np.dtype("c8")) for a in arrays)
        line = {
            "id": f"{op}-{self.seed}-{len(self.lines)}",
            "area": area,
            "setup": [self.setup(name, a) for name, a in zip("abcdefgh", arrays)],
            "call": {"op": op, "args": args},
            "expected": expected,
            "rtol": rtol if rtol is not None else (1e-4 if single else 1e-11),
            "verdict": verdict,
        }
        if not zeros:
            line["zeros"] = "any"
        self.lines.append(json.dumps(line, separators=(",", ":")))


UNARY = {
    "negative": np.negative, "positive": np.positive, "absolute": np.absolute, "sign": np.sign, "square": np.square,
    "sqrt": np.sqrt, "cbrt": np.cbrt, "reciprocal": np.reciprocal, "exp": np.exp, "ln": np.log, "log1p": np.log1p,
    "sin": np.sin, "tanh": np.tanh, "atan": np.arctan, "deg2rad": np.deg2rad, "floor": np.floor, "ceil": np.ceil,
    "trunc": np.trunc, "rint": np.rint, "isnan": np.isnan, "isfinite": np.isfinite, "isinf": np.isinf,
    "signbit": np.signbit, "logical_not": np.logical_not, "invert": np.invert, "conj": np.conj, "real": np.real,
    "imag": np.imag, "angle": np.angle, "nan_to_num": np.nan_to_num,
}
BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "floor_divide": np.floor_divide, "remainder": np.remainder, "fmod": np.fmod, "power": np.power,
    "minimum": np.minimum, "maximum": np.maximum, "fmin": np.fmin, "fmax": np.fmax, "equal": np.equal,
    "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal, "greater": np.greater,
    "greater_equal": np.greater_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "logical_xor": np.logical_xor, "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor, "left_shift": np.left_shift, "right_shift": np.right_shift, "atan2": np.arctan2,
    "hypot": np.hypot, "copysign": np.copysign, "logaddexp": np.logaddexp, "heaviside": np.heaviside, "gcd": np.gcd,
    "lcm": np.lcm,
}
UNSIGNED_ZEROS = {"minimum", "maximum", "fmin", "fmax", "remainder", "floor_divide", "fmod", "power", "logaddexp"}


def broadcastable(c):
    """Two shapes that broadcast, mostly."""
    shape = c.shape()
    other = tuple(1 if c.chance(0.3) else n for n in shape)
    shape = tuple(1 if c.chance(0.2) else n for n in shape)
    if c.chance(0.3):
        other = other[int(c.rng.integers(len(other) + 1)):]
    if c.chance(0.03):
        other = tuple(n + 1 for n in other)
    return (shape, other) if c.chance(0.5) else (other, shape)


def elementwise(c):
    for op, work in UNARY.items():
        for _ in range(max(1, c.n // 3)):
            wild = op not in ("exp", "sin", "tanh", "atan", "reciprocal", "cbrt", "square")
            a = c.array(c.shape(), c.one_of(ALL), wild)
            if a.dtype.kind == "c" and op in ("ln", "log1p", "sqrt", "atan", "tanh", "reciprocal"):
                continue
            c.add("elementwise", op, [a], {}, work)
    for op, work in BINARY.items():
        for _ in range(c.n):
            (one, other), kinds = broadcastable(c), c.one_of([ALL, COMMON, REAL])
            a, b = c.array(one, c.one_of(kinds)), c.array(other, c.one_of(kinds))
            if op in ("power", "left_shift", "right_shift") and b.dtype.kind in "iu":
                b = c.array(other, b.dtype, False)
            if "c" in (a.dtype.kind, b.dtype.kind):
                a, b = c.array(one, a.dtype, False), c.array(other, b.dtype, False)
                if op in ("divide", "power", "less", "greater", "less_equal", "greater_equal", "maximum", "minimum"):
                    continue
            c.add("elementwise", op, [a, b], {}, work, op not in UNSIGNED_ZEROS)
    for _ in range(c.n):
        one, other = broadcastable(c)
        dtype = c.one_of(["i8", "f8"])
        a, b = c.array(one, dtype), c.array(other, dtype)
        c.add("elementwise", "where", [a > 0, a, b], {}, lambda m, x, y: np.where(m, x, y))
        low, high = c.array(other, dtype), c.array((), dtype)
        c.add("elementwise", "clip", [a, low, high], {}, lambda x, low, high: np.clip(x, low, high), False)
        a, to = c.array(one, c.one_of(REAL), False), c.one_of(ALL)
        if not (a.dtype.kind == "f" and np.dtype(to).kind == "u"):
            c.add("elementwise", "astype", [a], {"dtype": str(np.dtype(to))}, lambda x, to=to: x.astype(to))
        number = c.one_of([2, -1, 300, 1.5, True, 70000, -0.5])
        a = c.array(one, c.one_of(ALL), False)
        c.add("elementwise", "add_number", [a], {"number": number}, lambda x, n=number: x + n)
        c.add("elementwise", "multiply_number", [a], {"number": number}, lambda x, n=number: x * n)


REDUCTIONS = {
    "sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max, "any": np.any, "all": np.all, "mean": np.mean,
    "var": np.var, "std": np.std, "count_nonzero": np.count_nonzero, "argmin": np.argmin, "argmax": np.argmax,
    "nansum": np.nansum, "nanprod": np.nanprod, "nanmin": np.nanmin, "nanmax": np.nanmax, "nanmean": np.nanmean,
    "nanvar": np.nanvar, "nanstd": np.nanstd, "nanargmin": np.nanargmin, "nanargmax": np.nanargmax,
}


def axes_of(c, ndim, several=True):
    if c.chance(0.3):
        return None
    if ndim == 0:
        return None
    if c.chance(0.03):
        return ndim if c.chance(0.5) else -ndim - 1
    count = int(c.rng.integers(1, ndim + 1)) if several and c.chance(0.5) else 1
    axes = [int(axis) - (ndim if c.chance(0.4) else 0) for axis in c.rng.permutation(ndim)[:count]]
    return axes[0] if count == 1 else tuple(axes)


def reductions(c):
    for op, work in REDUCTIONS.items():
        for _ in range(c.n * 2):
            ordered = "arg" in op or "min" in op or "max" in op
            a = c.array(c.shape(), c.one_of(REAL if ordered else ALL))
            if a.dtype.kind == "c" and "nan" in op:
                continue
            axis = axes_of(c, a.ndim, "arg" not in op)
            args, kwargs = {"axis": axis if not isinstance(axis, tuple) else list(axis)}, {}
            if c.chance(0.4):
                args["keepdims"] = kwargs["keepdims"] = True
            if "var" in op or "std" in op:
                args["ddof"] = kwargs["ddof"] = c.one_of([0, 0, 1, 2, 0.5])
            if c.chance(0.3):
                args["split_every"] = c.one_of([2, 3, 4])
            if "arg" in op and axis is None and a.size and kwargs:
                shape = (1,) * a.ndim
                c.add("reductions", op, [a], args, lambda x, w=work, s=shape: np.asarray(w(x)).reshape(s), False)
                continue
            # Large complex products overflow in one order of factors and not in another.
            if op != "prod" or a.dtype.kind != "c" or a.size < 20:
                c.add("reductions", op, [a], args, lambda x, w=work, k=kwargs, ax=axis: w(x, axis=ax, **k), False)
    for op, work in {"cumsum": np.cumsum, "cumprod": np.cumprod}.items():
        for _ in range(c.n * 2):
            a = c.array(c.shape(1), c.one_of(ALL), op == "cumsum")
            axis = int(c.rng.integers(-a.ndim, a.ndim))
            c.add("arg_cum_topk", op, [a], {"axis": axis}, lambda x, w=work, ax=axis: w(x, axis=ax), False)
    for _ in range(c.n * 3):
        a = c.array(c.shape(1), c.one_of(REAL))
        axis, k = int(c.rng.integers(-a.ndim, a.ndim)), c.one_of([1, 2, 3, 10, -1, -2, -10])
        c.add("arg_cum_topk", "topk", [a], {"axis": axis, "k": k}, lambda x, ax=axis, k=k: topk(x, k, ax), False)


def sorts(c):
    for _ in range(c.n * 3):
        a = c.array(c.shape(1), c.one_of(REAL))
        axis, k = int(c.rng.integers(-a.ndim, a.ndim)), c.one_of([1, 2, 3, 10, -1, -2, -10])
        c.add("arg_cum_topk", "sort", [a], {"axis": axis}, lambda x: np.sort(x, axis), False)
        stable = lambda x: np.argsort(x, axis, stable=True)
        c.add("arg_cum_topk", "argsort", [a], {"axis": axis}, stable)
        c.add("arg_cum_topk", "nancumsum", [a], {"axis": axis}, lambda x: np.nancumsum(x, axis), False)
        order = c.rng.integers(0, max(a.shape[axis], 1), a.shape)
        if a.shape[axis]:
            c.add("indexing", "take_along_axis", [a, order], {"axis": axis}, lambda x, i: np.take_along_axis(x, i, axis))
            n = int(c.rng.integers(1, 4))
            parts = lambda x: list(np.array_split(x, n, axis))
            c.add("manipulation", "array_split", [a], {"axis": axis, "n": n}, parts)
            c.add("manipulation", "unstack", [a], {"axis": axis}, lambda x: list(np.unstack(x, axis=axis)))
        if len(set(a.ravel().tolist())) == a.size and a.dtype.kind != "b":
            best = lambda x: best_places(x, k, axis)
            c.add("arg_cum_topk", "argtopk", [a], {"axis": axis, "k": k}, best)


def best_places(x, k, axis):
    order = np.argsort(x, axis)
    order = np.flip(order, axis) if k > 0 else order
    return np.take(order, range(min(abs(k), x.shape[axis])), axis)


def topk(x, k, axis):
    ordered = np.sort(x, axis=axis)
    ordered = np.flip(ordered, axis) if k > 0 else ordered
    return np.take(ordered, range(min(abs(k), x.shape[axis])), axis)


def any_slice(c, n):
    bound = lambda: None if c.chance(0.3) else int(c.rng.integers(-n - 2, n + 3))
    return slice(bound(), bound(), c.one_of([None, 1, 2, -1, -2, 3, -3]))


def any_index(c, shape, lists):
    """An index of NumPy, and the same as JSON."""
    items, n_lists = [], 0
    length = int(c.rng.integers(0, 4))
    for n in shape[: int(c.rng.integers(len(shape) + 1))]:
        kind = c.rng.random()
        if kind < 0.2 and n > 0:
            items.append(int(c.rng.integers(-n, n)))
        elif kind < 0.2 + 0.25 * lists and n > 0:
            size = length if c.chance(0.8) else 1
            items.append([int(at) for at in c.rng.integers(-n, n, size)])
            n_lists += 1
        elif kind < 0.2 + 0.35 * lists and n_lists == 0:
            items.append(c.rng.random(n) < 0.5)
            n_lists += 5
        else:
            items.append(any_slice(c, n))
        if n_lists >= 5 and lists < 2:
            lists = 0
    if c.chance(0.2):
        items.insert(int(c.rng.integers(len(items) + 1)), None)
    # NumPy takes an empty mask for an axis of any length, so such a mask stays on its own axis.
    if c.chance(0.2) and not any(isinstance(item, np.ndarray) and item.size == 0 for item in items):
        at = next((i for i in range(len(items)) if isinstance(items[i], (list, np.ndarray))), len(items))
        rest = sum(item is not None for item in items[at:])
        items = items[:at] + [Ellipsis] + items[at:] if rest else items + [Ellipsis]
    if c.chance(0.03) and shape:
        items = [shape[0] + 1] + items[1:]
    return items, [as_json(item) for item in items]


def as_json(item):
    if item is None:
        return "newaxis"
    if item is Ellipsis:
        return "..."
    if isinstance(item, slice):
        return {"start": item.start, "stop": item.stop, "step": item.step}
    if isinstance(item, np.ndarray):
        return {"mask": {"shape": list(item.shape), "values": nested(item)}}
    return item


def as_numpy(items):
    return tuple(np.array(item, dtype=int) if isinstance(item, list) else item for item in items)


def indexing(c):
    for _ in range(c.n * 20):
        a = c.array(c.shape(1), c.one_of(COMMON))
        items, index = any_index(c, a.shape, c.one_of([0, 1, 1, 2]))
        c.add("indexing", "getitem", [a], {"index": index}, lambda x, i=items: x[as_numpy(i)])
    for _ in range(c.n * 5):
        a = c.array(c.shape(1), c.one_of(COMMON))
        items, index = any_index(c, a.shape, c.one_of([0, 1]))
        try:
            part = a[as_numpy(items)]
        except IndexError:
            continue
        more, then = any_index(c, part.shape, c.one_of([0, 1]))
        args = {"index": index, "then": then}
        c.add("indexing", "getitem_twice", [a], args, lambda x, i=items, j=more: x[as_numpy(i)][as_numpy(j)])
    for _ in range(c.n * 3):
        a = c.array(c.shape(1), c.one_of(COMMON))
        axis = int(c.rng.integers(a.ndim))
        beyond = 1 if a.size and c.chance(0.1) else 0
        positions = [int(at) for at in c.rng.integers(-a.shape[axis], a.shape[axis] + beyond, 3)] if a.shape[axis] else []
        args = {"indices": positions, "axis": axis}
        c.add("indexing", "take", [a], args, lambda x, p=positions, ax=axis: np.take(x, np.array(p, int), ax))
        mask = c.rng.random(a.shape[axis]) < 0.5
        c.add("indexing", "compress", [a, mask], {"axis": axis}, lambda x, m, ax=axis: np.compress(m, x, ax))
        mask = c.rng.random(a.shape[: int(c.rng.integers(1, a.ndim + 1))]) < 0.5
        c.add("indexing", "getitem", [a, mask], {"index": ["b"]}, lambda x, m: x[m])
        positions = c.array((int(c.rng.integers(0, 5)),), "i8", False) % max(a.shape[axis], 1)
        if a.shape[axis]:
            index = [{"start": None, "stop": None, "step": None}] * axis + ["b"]
            c.add("indexing", "getitem", [a, positions], {"index": index}, lambda x, p, ax=axis: np.take(x, p, ax))


def assign(x, items, value):
    x = x.copy()
    x[as_numpy(items)] = value
    return x


def assignment(c):
    for _ in range(c.n * 15):
        a = c.array(c.shape(1), c.one_of(COMMON))
        items, index = any_index(c, a.shape, c.one_of([0, 0, 1, 2]))
        try:
            part = a[as_numpy(items)]
        except IndexError:
            part = np.zeros(())
        shape = tuple(1 if c.chance(0.2) else n for n in part.shape)
        shape = shape[int(c.rng.integers(len(shape) + 1)):] if c.chance(0.3) else shape
        if c.chance(0.05):
            shape = shape + (2,)
        dtype = c.one_of([a.dtype, "i8", "?"] if a.dtype.kind != "b" else ["?"])
        if a.dtype.kind == "u" and dtype == "i8":
            dtype = a.dtype
        value = c.array(shape, dtype, a.dtype.kind == "f")
        c.add("setitem", "setitem", [a, value], {"index": index}, lambda x, v, i=items: assign(x, i, v))
    for _ in range(c.n * 3):
        a = c.array(c.shape(1), c.one_of(["i8", "f8"]))
        items, index = any_index(c, a.shape, 0)
        c.add("setitem", "setitem_own", [a], {"index": index}, lambda x, i=items: assign(x, i, -x[as_numpy(i)]))
        mask = c.rng.random(a.shape[: int(c.rng.integers(1, a.ndim + 1))]) < 0.5
        value = c.array(a.shape[mask.ndim:] if c.chance(0.5) else (), a.dtype)
        c.add("setitem", "setitem", [a, value, mask], {"index": ["c"]}, lambda x, v, m: assign(x, [m], v))


def factor(c, size):
    """A shape of some size."""
    shape = []
    for _ in range(int(c.rng.integers(0, 4))):
        divisors = [d for d in range(1, size + 1) if size % d == 0] if size else [0, 1, 2]
        shape.append(c.one_of(divisors))
        size = size // shape[-1] if shape[-1] else 0
    return shape + [size] if c.chance(0.9) else shape


def manipulation(c):
    for _ in range(c.n * 3):
        a = c.array(c.shape(), c.one_of(COMMON))
        n, axes = a.ndim, [int(axis) for axis in c.rng.permutation(a.ndim)]
        shape = factor(c, a.size)
        if c.chance(0.3) and shape:
            shape[int(c.rng.integers(len(shape)))] = -1
        add = lambda op, args, work, *more: c.add("manipulation", op, [a, *more], args, work, op != "pad")
        add("reshape", {"shape": shape}, lambda x: x.reshape(shape))
        add("transpose", {"axes": axes}, lambda x: x.transpose(axes))
        add("ravel", {}, lambda x: x.ravel())
        if n == 0 or a.shape[0] != 1:
            # Whether an axis of unknown length is dropped can not depend on a run.
            add("squeeze", {}, lambda x: x.squeeze())
        at = int(c.rng.integers(-n - 1, n + 1))
        add("expand_dims", {"axis": at}, lambda x: np.expand_dims(x, at))
        some = [axis - (n if c.chance(0.5) else 0) for axis in axes[: int(c.rng.integers(n + 1))]]
        add("squeeze_axes", {"axes": some}, lambda x: x.squeeze(tuple(some)))
        add("flip", {"axes": some}, lambda x: np.flip(x, tuple(some)))
        shift = [int(s) for s in c.rng.integers(-7, 8, len(some))]
        add("roll", {"shift": shift, "axes": some}, lambda x: np.roll(x, shift, some) if some else x)
        by = int(c.rng.integers(-9, 10))
        add("roll_flat", {"shift": by}, lambda x: np.roll(x, by))
        target = tuple(c.shape(0, 1)) + tuple(3 if k == 1 and c.chance(0.5) else k for k in a.shape)
        add("broadcast_to", {"shape": list(target)}, lambda x: np.broadcast_to(x, target))
        add("atleast", {}, lambda x: [np.atleast_1d(x), np.atleast_2d(x), np.atleast_3d(x)])
        reps = [int(r) for r in c.rng.integers(0, 4, int(c.rng.integers(0, n + 2)))]
        add("tile", {"reps": reps}, lambda x: np.tile(x, reps))
        if n:
            with_axis(c, a, add)
        if n >= 2:
            with_planes(c, a, add)
        joins(c, a, add)


def with_axis(c, a, add):
    axis = int(c.rng.integers(-a.ndim, a.ndim))
    n = a.shape[axis]
    times = int(c.rng.integers(0, 4))
    add("repeat", {"n": times, "axis": axis}, lambda x: np.repeat(x, times, axis))
    each = [int(t) for t in c.rng.integers(0, 3, n)]
    add("repeat_each", {"n": each, "axis": axis}, lambda x: np.repeat(x, each, axis))
    widths = [int(w) for w in c.rng.integers(0, 4, 2 * a.ndim)]
    mode = c.one_of(["constant", "edge", "maximum", "minimum", "reflect", "symmetric", "wrap", "mean", "linear_ramp"])
    pairs = [tuple(widths[2 * i: 2 * i + 2]) for i in range(a.ndim)]
    value, kwargs = 3, {}
    if mode == "constant":
        kwargs = {"constant_values": value}
    if mode == "linear_ramp":
        kwargs = {"end_values": value}
    fits = a.dtype.kind in "iuf" and not (mode == "mean" and a.dtype.kind == "u")
    if fits and not (a.dtype.kind in "iu" and np.any(np.abs(a.astype("f8")) > 100)) and not np.any(np.isnan(a * 1.0)):
        add("pad", {"widths": widths, "mode": mode, "value": value}, lambda x: np.pad(x, pairs, mode, **kwargs))
    wanted = [int(p) for p in c.rng.integers(-n, n + 1, int(c.rng.integers(0, 4)))]
    values = c.array((len(wanted),) if a.ndim == 1 else (), a.dtype, False)
    if len(wanted) != 1:
        add("insert", {"positions": wanted, "axis": axis}, lambda x, v: np.insert(x, np.array(wanted, int), v, axis), values)
    add("delete", {"positions": wanted, "axis": axis}, lambda x: np.delete(x, np.array(wanted, int), axis))
    k = int(c.rng.integers(-3, 4))
    if a.ndim <= 2:
        add("diag", {"k": k}, lambda x: np.diag(x, k))
    other = list(a.shape)
    other[axis] = int(c.rng.integers(0, 4))
    add("append", {"axis": axis}, lambda x, y: np.append(x, y, axis), c.array(other, c.one_of(COMMON)))


def with_planes(c, a, add):
    k = int(c.rng.integers(-4, 5))
    add("tril", {"k": k}, lambda x: np.tril(x, k))
    add("triu", {"k": k}, lambda x: np.triu(x, k))
    one, other = (int(axis) for axis in c.rng.permutation(a.ndim)[:2])
    pair = [one - (a.ndim if c.chance(0.3) else 0), other]
    add("diagonal", {"k": k, "axes": pair}, lambda x: np.diagonal(x, k, *pair))
    add("trace", {"k": k, "axes": pair}, lambda x: np.trace(x, k, *pair))
    add("rot90", {"k": k, "axes": pair}, lambda x: np.rot90(x, k, pair))
    add("swapaxes", {"axes": pair}, lambda x: np.swapaxes(x, *pair))
    add("moveaxis", {"from": [pair[0]], "to": [pair[1]]}, lambda x: np.moveaxis(x, pair[0], pair[1]))


def joins(c, a, add):
    axis = int(c.rng.integers(-a.ndim - 1, a.ndim + 1))
    others = []
    for _ in range(int(c.rng.integers(0, 3))):
        shape = list(a.shape)
        if shape and -a.ndim <= axis < a.ndim and c.chance(0.7):
            shape[axis] = int(c.rng.integers(0, 4))
        others.append(c.array(shape, c.one_of(COMMON)))
    same = [c.array(a.shape, c.one_of(COMMON)) for _ in others]
    add("concatenate", {"axis": axis}, lambda *all: np.concatenate(all, axis), *others)
    add("stack", {"axis": axis}, lambda *all: np.stack(all, axis), *same)
    for name, work in {"hstack": np.hstack, "vstack": np.vstack, "dstack": np.dstack}.items():
        add(name, {}, lambda *all, w=work: w(all), *same)
    if a.ndim <= 2:
        add("column_stack", {}, lambda *all: np.column_stack(all), *same)
    add("append_flat", {}, lambda x, y: np.append(x, y), c.array(c.shape(), a.dtype))


def products(c):
    for _ in range(c.n * 5):
        n = c.one_of([0, 1, 2, 3, 5])
        lead = c.shape(0, 2)
        one = c.one_of([(n,), lead + (2, n), lead[1:] + (3, n)])
        other = c.one_of([(n,), (n, 2), lead + (n, 3), (1,) + lead[1:] + (n, 2)])
        if c.chance(0.03):
            other = other[:-1] + (n + 1,)
        a, b = c.array(one, c.one_of(ALL), False), c.array(other, c.one_of(ALL), False)
        c.add("linalg", "matmul", [a, b], {}, lambda x, y: x @ y, False)
        c.add("linalg", "dot", [a, b], {}, lambda x, y: np.dot(x, y), False)
    for _ in range(c.n * 5):
        shape = c.shape(1, 4)
        a, count = c.array(shape, c.one_of(ALL), False), int(c.rng.integers(0, len(shape) + 1))
        of_a = [int(axis) for axis in c.rng.permutation(a.ndim)[:count]]
        other = list(c.shape(0, 2)) + [a.shape[axis] for axis in of_a]
        order = [int(axis) for axis in c.rng.permutation(len(other))]
        b = c.array(other, c.one_of(ALL), False).transpose(order)
        of_b = [order.index(len(other) - count + k) - (len(other) if c.chance(0.3) else 0) for k in range(count)]
        c.add("linalg", "tensordot", [a, b], {"of_a": of_a, "of_b": of_b}, lambda x, y: np.tensordot(x, y, (of_a, of_b)), False)


QUANTILES = ["linear", "lower", "higher", "midpoint", "nearest"]


def statistics(c):
    for _ in range(c.n * 2):
        a = c.array(c.shape(), c.one_of(REAL))
        axis, options = axes_of(c, a.ndim), {}
        args = {"axis": list(axis) if isinstance(axis, tuple) else axis}
        if c.chance(0.4):
            args["keepdims"] = options["keepdims"] = True
        add = lambda op, work, **more: c.add("reductions", op, [a], args | more, work, False)
        if a.size:
            add("median", lambda x: np.median(x, axis, **options))
            add("nanmedian", lambda x: np.nanmedian(x, axis, **options))
        if a.dtype.kind != "b" and a.size:
            add("ptp", lambda x: np.ptp(x, axis, **options))
            q, how = [c.one_of([0, 1, 0.5, 0.25, 0.1, 0.9]) for _ in range(2)], c.one_of(QUANTILES)
            if a.dtype.kind != "f" or np.all(np.isfinite(a)):
                add("quantile", lambda x: floating(np.quantile(x, q, axis, method=how, **options), x), q=q, method=how)
                percents = [100 * p for p in q]
                add("percentile", lambda x: floating(np.percentile(x, percents, axis, method=how, **options), x), q=percents, method=how)
        b = c.array(a.shape, "f8", False) + 10
        if a.dtype.kind != "b" and a.size and (axis is None or isinstance(axis, int)):
            c.add("reductions", "average", [a, b], args, lambda x, w: np.average(x, axis, w, **options), False)
    for _ in range(c.n):
        a = c.array((c.one_of([2, 3]), c.one_of([2, 3, 5])), c.one_of(["i8", "f8", "c16"]), False)
        ddof = c.one_of([0, 1])
        c.add("linalg", "cov", [a], {"ddof": ddof}, lambda x: np.cov(x, ddof=ddof), False)
        c.add("linalg", "corrcoef", [a], {}, lambda x: np.corrcoef(x), False)


def floating(result, x):
    """Quantiles as floats of the array's type: NumPy's take the type of the list of shares, too, or stay integers."""
    return np.asarray(result).astype(x.dtype if x.dtype.kind == "f" else "f8")


def histograms(c):
    for _ in range(c.n * 2):
        a = c.array(c.shape(), c.one_of(INTS + ["f8"]), False)
        bins, limits = int(c.rng.integers(1, 6)), c.one_of([[-4, 7], [0, 5], [-1.5, 1.5], [2, 2]])
        args = {"bins": bins, "range": limits}
        c.add("stats_set", "histogram", [a], args, lambda x: np.histogram(x, bins, limits))
        edges = sorted(c.array((4,), "f8", False).tolist())
        c.add("stats_set", "histogram", [a], {"bins": edges}, lambda x: np.histogram(x, edges))
        if np.any((a >= edges[0]) & (a <= edges[-1])):
            args = {"bins": edges}
            dense = lambda x: np.histogram(x, edges, density=True)
            c.add("stats_set", "histogram_density", [a], args, dense)
        b = c.array(a.shape, "f8", False)
        weighted = lambda x, w: np.histogram(x, edges, weights=w)[0]
        c.add("stats_set", "histogram_weighted", [a, b], {"bins": edges}, weighted, False)
        a = np.abs(c.array(c.shape(1, 1), c.one_of(["i8", "u1", "i4"]), False))
        n = c.one_of([0, 3, 12])
        c.add("stats_set", "bincount", [a], {"min_len": n}, lambda x: np.bincount(x, minlength=n))
        b = c.array(a.shape, c.one_of(["f8", "i8"]), False)
        c.add("stats_set", "bincount_weighted", [a, b], {"min_len": n}, lambda x, w: np.bincount(x, w, n), False)


def sets(c):
    for _ in range(c.n * 2):
        dtype = c.one_of(["i8", "f8", "?", "u1", "f4"])
        a, b = c.array(c.shape(), dtype), c.array(c.shape(), dtype)
        parts = lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True)
        c.add("stats_set", "unique", [a], {}, lambda x: list(parts(x)), False)
        side, ordered = c.one_of(["left", "right"]), np.sort(c.array(c.shape(1, 1), dtype))
        c.add("stats_set", "searchsorted", [ordered, b], {"side": side}, lambda x, v: np.searchsorted(x, v, side))
        c.add("stats_set", "isin", [a, b], {}, lambda x, y: np.isin(x, y))
        if not np.any(np.isnan(a * 1.0)) and not np.any(np.isnan(b * 1.0)):
            c.add("stats_set", "union1d", [a, b], {}, lambda x, y: np.union1d(x, y), False)
            c.add("stats_set", "intersect1d", [a, b], {}, lambda x, y: np.intersect1d(x, y), False)
            c.add("stats_set", "setdiff1d", [a, b], {}, lambda x, y: np.setdiff1d(x, y), False)
        a = c.array(c.shape(1), c.one_of(ALL))
        c.add("unknown_chunks", "nonzero", [a], {}, lambda x: list(np.nonzero(x)))
        c.add("unknown_chunks", "argwhere", [a], {}, lambda x: np.argwhere(x))
        c.add("unknown_chunks", "flatnonzero", [a], {}, lambda x: np.flatnonzero(x))
        c.add("unknown_chunks", "extract", [a, c.array(a.shape, "?")], {}, lambda x, m: np.extract(m, x))


def differences(c):
    for _ in range(c.n * 2):
        a = c.array(c.shape(1), c.one_of(ALL))
        axis, n = int(c.rng.integers(-a.ndim, a.ndim)), int(c.rng.integers(0, 4))
        c.add("manipulation", "diff", [a], {"axis": axis, "n": n}, lambda x: np.diff(x, n, axis), False)
        a = c.array(c.shape(), c.one_of(["i8", "f8", "f4", "u1"]))
        b, d = c.array(c.shape(1, 1), a.dtype), c.array((), a.dtype)
        c.add("manipulation", "ediff1d", [a, b, d], {}, lambda x, y, z: np.ediff1d(x, z, y), False)
        a = c.array(tuple(n + 2 for n in c.shape(1, 3)), c.one_of(["i8", "f8", "f4", "i4"]), False)
        axis, order = int(c.rng.integers(a.ndim)), c.one_of([1, 2])
        places = np.cumsum(np.abs(c.array((a.shape[axis],), "f8", False)) + 0.5).tolist()
        spacing = c.one_of([1, 2.5, places])
        args = {"axes": [axis], "spacing": spacing, "edge_order": order}
        c.add("manipulation", "gradient", [a], args, lambda x: [np.gradient(x, spacing, axis=axis, edge_order=order)], False)
        args = {"axes": [], "spacing": [], "edge_order": order}
        c.add("manipulation", "gradient", [a], args, lambda x: list(np.atleast_2d(np.gradient(x, edge_order=order))) if x.ndim == 1 else list(np.gradient(x, edge_order=order)), False)
    for _ in range(c.n * 2):
        (one, other), dtype = broadcastable(c), c.one_of(INTS + FLOATS)
        a, b = c.array(one, dtype), c.array(other, dtype)
        c.add("elementwise", "divmod", [a, b], {}, lambda x, y: np.divmod(x, y), False)
        c.add("elementwise", "isclose", [a, b], {}, lambda x, y: np.isclose(x, y))
        c.add("elementwise", "array_equal", [a, b], {}, lambda x, y: np.asarray(np.array_equal(x, y)))
        c.add("elementwise", "array_equal", [a, a], {}, lambda x, y: np.asarray(np.array_equal(x, y)))
        c.add("elementwise", "modf", [a], {}, lambda x: np.modf(x))
        c.add("elementwise", "frexp", [a], {}, lambda x: np.frexp(x))
        places = int(c.rng.integers(-2, 4))
        if np.all(np.abs(a.astype("f8")) < 100) or a.dtype.kind == "f":
            c.add("elementwise", "round", [a], {"decimals": places}, lambda x: np.round(x, places))
        which = c.rng.integers(0, 2, one)
        c.add("elementwise", "choose", [which, b, a], {}, lambda w, x, y: np.choose(w, [x, y]))
        more = c.array(other, dtype)
        pick = lambda x, m, y, n, z: np.select([m, n], [y, z], x)
        c.add("elementwise", "select", [a, a > 1, b, b > 1, more], {}, pick)


EINSUMS = [
    ("ij,jk->ik", ["ij", "jk"]), ("ij,jk", ["ij", "jk"]), ("ii->i", ["ii"]), ("ii", ["ii"]), ("ij->ji", ["ij"]), ("ji", ["ji"]),
    ("i,j->ij", ["i", "j"]), ("ij,ij->", ["ij", "ij"]), ("...ij,...jk->...ik", ["aij", "ajk"]), ("ij...,j...->i...", ["ija", "ja"]),
    ("ijk,ilm,njm,nlk,abc->", ["ijk", "ilm", "njm", "nlk", "abc"]), ("iij->j", ["iij"]), ("iji->j", ["iji"]), ("ij,kj,kl->il", ["ij", "kj", "kl"]),
    ("...->...", ["ab"]), ("i...->...", ["iab"]), ("ij,i->", ["ij", "i"]), (",ij->ij", ["", "ij"]), ("ij->", ["ij"]), ("ba,b", ["ba", "b"]),
]


def more_products(c):
    for _ in range(c.n):
        a, b = c.array(c.shape(0, 2), c.one_of(ALL), False), c.array(c.shape(0, 2), c.one_of(ALL), False)
        c.add("linalg", "outer", [a, b], {}, lambda x, y: np.outer(x, y), False)
        c.add("linalg", "kron", [a, b], {}, lambda x, y: np.kron(x, y), False)
        b = c.array(a.shape, c.one_of(ALL), False)
        c.add("linalg", "vdot", [a, b], {}, lambda x, y: np.vdot(x, y), False)
        c.add("linalg", "inner", [a, b], {}, lambda x, y: np.inner(x, y), False)
        for subscripts, operands in EINSUMS:
            lens = {letter: c.one_of([1, 2, 3]) for letter in "abcijklmn"}
            if c.chance(0.1):
                lens["j"] = 0
            arrays = [c.array([lens[letter] for letter in names], c.one_of(COMMON), False) for names in operands]
            work = lambda *all, s=subscripts: np.einsum(s, *all)
            c.add("linalg", "einsum", arrays, {"subscripts": subscripts}, work, False)


def main():
    c = Cases(int(sys.argv[1]), int(sys.argv[2]))
    areas = [elementwise, reductions, sorts, indexing, assignment, manipulation, products, statistics, histograms, sets, differences, more_products]
    for area in areas:
        area(c)
    print("\n".join(c.lines))


main()
