"""Makes the files of this folder: python make.py (needs numpy and zarr)."""
import io, pathlib, shutil
import numcodecs
import numpy as np
import zarr

here = pathlib.Path(__file__).parent
TYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
         "complex64", "complex128"]


def sample(shape, dtype):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    if dtype == "bool":
        return x % 3 == 0
    if np.dtype(dtype).kind == "c":
        return (x - 1j * x).astype(dtype)
    return x.astype(dtype)


def make_npy(folder):
    folder.mkdir(exist_ok=True)
    for dtype in TYPES:
        np.save(folder / f"{dtype}.npy", sample((3, 4), dtype))
    np.save(folder / "big_endian_int32.npy", sample((3, 4), "int32").astype(">i4"))
    np.save(folder / "big_endian_complex64.npy", sample((3, 4), "complex64").astype(">c8"))
    np.save(folder / "fortran_float64.npy", np.asfortranarray(sample((2, 3, 4), "float64")))
    np.save(folder / "scalar_float64.npy", np.float64(2.5))
    np.save(folder / "vector_int16.npy", sample((7,), "int16"))
    np.save(folder / "empty_float32.npy", np.zeros((3, 0, 2), "float32"))
    for version in [(2, 0), (3, 0)]:
        out = io.BytesIO()
        np.lib.format.write_array(out, sample((3, 4), "float32"), version=version)
        (folder / f"version_{version[0]}_float32.npy").write_bytes(out.getvalue())
    np.save(folder / "refused_object.npy", np.array([1, "a"], dtype=object))
    np.save(folder / "refused_record.npy", np.zeros(3, dtype=[("x", "f4"), ("y", "i2", (2,))]))
    np.save(folder / "refused_string.npy", np.array(["ab", "c"]))
    np.save(folder / "refused_date.npy", np.array(["2020-01-01"], dtype="M8[D]"))
    np.save(folder / "refused_half.npy", np.zeros(3, "float16"))


def make_zarr(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()

    def put(name, x, **options):
        zarr.create_array(folder / name, data=x, **options)

    for dtype in TYPES:
        put(f"v3_{dtype}.zarr", sample((5, 6), dtype), chunks=(3, 4))
    x = sample((5, 6), "int32")
    put("v3_gzip.zarr", x, chunks=(3, 4), compressors=zarr.codecs.GzipCodec(level=5))
    put("v3_blosc.zarr", x, chunks=(3, 4), compressors=zarr.codecs.BloscCodec(cname="lz4", clevel=5))
    put("v3_zstd_checksum.zarr", x, chunks=(3, 4), compressors=zarr.codecs.ZstdCodec(level=3, checksum=True))
    put("v3_crc32c.zarr", x, chunks=(3, 4), compressors=[zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec()])
    put("v3_plain.zarr", x, chunks=(3, 4), compressors=None)
    put("v3_transposed.zarr", x, chunks=(3, 4), filters=zarr.codecs.TransposeCodec(order=(1, 0)))
    put("v3_big_endian.zarr", x, chunks=(3, 4), serializer=zarr.codecs.BytesCodec(endian="big"))
    put("v3_sharded.zarr", x, chunks=(1, 2), shards=(2, 4))
    put("v3_dots.zarr", x, chunks=(3, 4), chunk_key_encoding={"name": "default", "separator": "."})
    put("v3_scalar.zarr", np.float64(2.5))
    holes = zarr.create_array(folder / "v3_holes.zarr", shape=(6, 8), chunks=(1, 2), shards=(2, 4), dtype="float32", fill_value=np.nan)
    holes[2:3, 0:2] = 1.5
    for dtype in TYPES:
        put(f"v2_{dtype}.zarr", sample((5, 6), dtype), chunks=(3, 4), zarr_format=2)
    put("v2_blosc.zarr", x, chunks=(3, 4), zarr_format=2, compressors=numcodecs.Blosc(cname="lz4", shuffle=1))
    put("v2_gzip.zarr", x, chunks=(3, 4), zarr_format=2, compressors=numcodecs.GZip(level=5))
    put("v2_zlib.zarr", x, chunks=(3, 4), zarr_format=2, compressors=numcodecs.Zlib(level=5))
    put("v2_plain.zarr", x, chunks=(3, 4), zarr_format=2, compressors=None)
    put("v2_big_endian.zarr", x.astype(">i4"), chunks=(3, 4), zarr_format=2)
    put("v2_fortran.zarr", x, chunks=(3, 4), zarr_format=2, order="F")
    null = zarr.create_array(folder / "v2_null_fill.zarr", shape=(5, 6), chunks=(3, 4), dtype="int32", zarr_format=2, fill_value=None)
    null[0:3, 0:4] = 7
    put("refused_lz4.zarr", x, chunks=(3, 4), zarr_format=2, compressors=numcodecs.LZ4())
    put("refused_filter.zarr", x, chunks=(3, 4), zarr_format=2, filters=numcodecs.Delta("i4"))
    put("refused_string.zarr", np.array(["a", "bc"]), chunks=(2,))
    put("refused_half.zarr", sample((5, 6), "float16"), chunks=(3, 4))
    zarr.create_group(folder / "refused_group.zarr")


make_npy(here / "npy")
make_zarr(here / "zarr")
