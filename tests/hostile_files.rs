//! Files that are not what they claim to be: each gives an error of ours, before it has taken memory.

mod counting;

use std::path::Path;

use hyperslab::Error;
use hyperslab::error::Family;
use hyperslab::io::NpySource;

use counting::measured;

/// Memory that any refusal may take, beyond the size of the file.
const MAX_BYTES: usize = 1 << 20;

fn check_error(name: &str, error: &Error, says: &str) {
    let text = error.to_string();
    assert!(matches!(error.family(), Family::Data), "{name}: {error:?}");
    assert!(text.contains(says), "{name}: {text:?} does not say {says:?}");
    assert!(text.len() < 1000, "{name}: {} bytes of message", text.len());
}

fn npy(version: u8, text: &str, n_data_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((text.len() as u16).to_le_bytes()),
        _ => bytes.extend((text.len() as u32).to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.resize(bytes.len() + n_data_bytes, 7);
    bytes
}

fn plain(descr: &str, order: &str, shape: &str) -> Vec<u8> {
    npy(1, &format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"), 96)
}

fn shaped(shape: &str) -> Vec<u8> {
    plain("'<f8'", "False", shape)
}

fn typed(descr: &str) -> Vec<u8> {
    plain(descr, "False", "(3, 4)")
}

fn text(text: &str) -> Vec<u8> {
    npy(1, text, 96)
}

/// Name, file, and what the error says.
#[allow(clippy::too_many_lines)] // one table
fn hostile_npy() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    const NOT_NPY: &str = "does not start like an .npy file";
    const LARGE: &str = "multiply to 2^63 or more";
    const KIND: &str = "are not supported";
    const DECIMAL: &str = "is not a plain integer";
    const PARSE: &str = "the header is not understood";
    let good = shaped("(3, 4)");
    let many = |item: &str, n: usize| item.repeat(n);
    vec![
        ("empty file", Vec::new(), "the header needs 8 bytes and the file has 0"),
        ("one byte", vec![0x93], "the header needs 8 bytes"),
        ("only magic", good[..6].to_vec(), "the header needs 8 bytes"),
        ("only version", good[..8].to_vec(), "the header needs 10 bytes"),
        ("half a length", good[..9].to_vec(), "the header needs 10 bytes"),
        ("no text", good[..10].to_vec(), "does not fit a file of 10"),
        ("half a text", good[..40].to_vec(), "does not fit a file of 40"),
        ("no data", good[..good.len() - 96].to_vec(), "needs 165 bytes and the file has 69"),
        ("one byte short", good[..good.len() - 1].to_vec(), "needs 165 bytes and the file has 164"),
        ("zeros", vec![0; 200], NOT_NPY),
        ("text file", b"hello, this is not an array".to_vec(), NOT_NPY),
        ("zip magic", b"PK\x03\x04 and more bytes".to_vec(), NOT_NPY),
        ("wrong first byte", [&[0x94], &good[1..]].concat(), NOT_NPY),
        ("version 0", npy(0, "{}", 0), "version 0.0"),
        ("version 4", npy(4, "{}", 0), "version 4.0"),
        ("version 255", npy(255, "{}", 0), "version 255.0"),
        ("version 1.1", [&good[..7], &[1], &good[8..]].concat(), "version 1.1"),
        ("version 2 cut", npy(2, "", 0)[..10].to_vec(), "the header needs 12 bytes"),
        (
            "header of 4 GiB",
            [b"\x93NUMPY\x02\x00", &[255; 4][..]].concat(),
            "a header of 4294967295 bytes, at most 65536",
        ),
        ("header of 64 KiB + 1", npy(2, &many(" ", 65537), 0), "a header of 65537 bytes"),
        (
            "header beyond the file",
            [b"\x93NUMPY\x02\x00\x00\x80\x00\x00", &[32; 9][..]].concat(),
            "does not fit a file",
        ),
        ("empty header", text(""), PARSE),
        ("blank header", text(&many(" ", 118)), PARSE),
        ("largest blank header", npy(2, &many(" ", 65536), 0), PARSE),
        ("not text", npy(1, "x", 0).into_iter().chain([0xff]).collect(), PARSE),
        ("not UTF-8", [b"\x93NUMPY\x01\x00\x04\x00", &[0xff; 100][..]].concat(), "the header is not text"),
        ("no dictionary", text("(1, 2, 3)"), "expected a python dict"),
        ("empty dictionary", text("{}"), "missing key"),
        ("no descr", text("{'fortran_order': False, 'shape': (3,), }"), "missing key 'descr'"),
        ("no order", text("{'descr': '<f8', 'shape': (3,), }"), "missing key 'fortran_order'"),
        ("no shape", text("{'descr': '<f8', 'fortran_order': False, }"), "missing key 'shape'"),
        ("keys are numbers", text("{1: 2, 3: 4}"), "key is not string"),
        ("open dictionary", text("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), "), PARSE),
        ("closed twice", text("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }}"), "do not match"),
        ("open name", text("{'descr': '<f8"), "does not end"),
        ("escape in a name", text(r"{'descr': '<f8\x41', 'shape': (3,)}"), "an escape"),
        ("triple quotes", text("{'''descr''': '<f8'}"), "an empty name"),
        ("code", text("__import__('os').system('true')"), "'_' in the header"),
        ("nested lists", text(&format!("{}{}", many("[", 5000), many("]", 5000))), "nest more than 4 deep"),
        ("nested tuples", npy(2, &format!("{}{}", many("(", 30000), many(")", 30000)), 0), "nest more than 4 deep"),
        ("nested dictionaries", text(&many("{1:", 5000)), "nest more than 4 deep"),
        ("many lists", npy(2, &format!("[{}]", many("[],", 20000)), 0), "more than 1000 items"),
        ("many numbers", npy(2, &format!("({})", many("1,", 30000)), 0), "more than 1000 items"),
        ("many names", npy(2, &format!("{{{}}}", many("'a':'b',", 8000)), 0), "more than 1000 items"),
        ("negative length", shaped("(-1,)"), "negative"),
        ("two negative lengths", shaped("(-3, -4)"), "negative"),
        ("minus zero", shaped("(-0,)"), "negative"),
        ("length 2^63", shaped("(9223372036854775808,)"), LARGE),
        ("length 2^64", shaped("(18446744073709551616,)"), LARGE),
        ("length of 10000 digits", npy(2, &format!("{{'shape': ({},)}}", many("9", 10000)), 0), LARGE),
        ("65536 squared", shaped("(65536, 65536)"), "of float64 needs 343597"),
        ("2^33 squared", shaped("(8589934592, 8589934592)"), LARGE),
        ("2^62 doubles", shaped("(4611686018427387904,)"), "needs more than 2^63 bytes"),
        ("zero and huge", shaped("(0, 4294967296, 4294967296)"), LARGE),
        ("zero and 2^62 doubles", shaped("(0, 4611686018427387904)"), "needs more than 2^63 bytes"),
        ("65 axes", shaped(&format!("({})", many("1,", 65))), "65 axes, at most 64"),
        ("fractional length", shaped("(1.5,)"), "'.' in the header"),
        ("length with exponent", shaped("(1e3,)"), DECIMAL),
        ("length with underscore", shaped("(1_0,)"), "'_' in the header"),
        ("hexadecimal length", shaped("(0x10,)"), DECIMAL),
        ("hexadecimal lengths that overflow", shaped("(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)"), DECIMAL),
        ("binary length", shaped("(0b11,)"), DECIMAL),
        ("complex length", shaped("(2j,)"), DECIMAL),
        ("sum for a length", shaped("(1+1,)"), "'+' in the header"),
        ("name for a length", shaped("('3',)"), "dimension must be an integer"),
        ("truth for a length", shaped("(True,)"), "dimension must be an integer"),
        ("nothing for a length", shaped("(None,)"), "dimension must be an integer"),
        ("number for a shape", shaped("12"), "shape must be list or tuple"),
        ("name for a shape", shaped("'abc'"), "shape must be list or tuple"),
        ("nothing for a shape", shaped("None"), "shape must be list or tuple"),
        ("nested shape", shaped("((3, 4),)"), "dimension must be an integer"),
        ("number for an order", plain("'<f8'", "0", "(3, 4)"), "'fortran_order' value is not a bool"),
        ("name for an order", plain("'<f8'", "'F'", "(3, 4)"), "'fortran_order' value is not a bool"),
        ("objects", typed("'|O'"), "pickled Python objects"),
        ("objects of size 8", typed("'|O8'"), PARSE),
        ("strings", typed("'|S4'"), KIND),
        ("unicode", typed("'<U4'"), KIND),
        ("void", typed("'|V8'"), KIND),
        ("dates", typed("'<M8[ns]'"), KIND),
        ("differences", typed("'<m8[ns]'"), KIND),
        ("half", typed("'<f2'"), KIND),
        ("quadruple", typed("'<f16'"), KIND),
        ("wide complex", typed("'<c32'"), KIND),
        ("wide integer", typed("'<i16'"), PARSE),
        ("no such size", typed("'<f3'"), PARSE),
        ("size 0", typed("'<i0'"), PARSE),
        ("huge size", typed("'<f99999999999999999999'"), PARSE),
        ("huge string", typed("'|S9223372036854775807'"), KIND),
        ("no byte order", typed("'f8'"), PARSE),
        ("byte order that does not matter", typed("'|f8'"), PARSE),
        ("native byte order", typed("'=f8'"), PARSE),
        ("no size", typed("'<f'"), PARSE),
        ("unknown letter", typed("'<z8'"), PARSE),
        ("empty type", typed("''"), "an empty name"),
        ("number for a type", typed("8"), "must be string or list"),
        ("nothing for a type", typed("None"), "must be string or list"),
        ("tuple for a type", typed("('<f8', (2,))"), "must be string or list"),
        ("empty record", typed("[]"), "it holds records"),
        ("record", typed("[('a', '<f8'), ('b', '<i4')]"), "it holds records"),
        ("record of objects", typed("[('a', '|O')]"), "it holds records"),
        ("record with a huge field", typed("[('a', '<f8', (9000000000, 9000000000))]"), LARGE),
        ("record of one", typed("[('a',)]"), PARSE),
        ("line break", text("{'descr':\n'<f8'}"), "'\\n' in the header"),
        ("zero byte", text("{'descr':\0'<f8'}"), "'\\0' in the header"),
        ("letters beyond ASCII", text("{'descr': '<f8', 'ü': 1}"), "missing key"),
        ("letters beyond ASCII outside of names", text("{ü: 1}"), "'ü' in the header"),
        ("comment", text("{} # more"), "'#' in the header"),
    ]
}

#[test]
fn hostile_npy_files_are_refused_without_taking_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.npy");
    let cases = hostile_npy();
    assert!(cases.len() >= 60);
    for (name, bytes, says) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let (result, peak_bytes) = measured(|| NpySource::open(&path));
        let error = result.map(|source| format!("{source:?}")).expect_err(name);
        check_error(name, &error, says);
        assert!(error.to_string().contains("hostile.npy"), "{name}: {error}");
        assert!(peak_bytes <= MAX_BYTES + bytes.len(), "{name}: {peak_bytes} bytes for a file of {}", bytes.len());
    }
}

#[test]
fn any_changed_byte_of_a_header_gives_an_array_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("changed.npy");
    let good = shaped("(3, 4)");
    assert!({
        std::fs::write(&path, &good).unwrap();
        NpySource::open(&path).is_ok()
    });
    let (mut n_refused, mut n_read) = (0, 0);
    for at in 0..good.len() - 96 {
        for byte in [0, b'(', b'9', b'\'', b' ', 0xff, good[at] ^ 1, good[at] ^ 0x80] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            std::fs::write(&path, &bytes).unwrap();
            let (result, peak_bytes) = measured(|| NpySource::open(&path));
            assert!(peak_bytes <= MAX_BYTES, "{peak_bytes} bytes for byte {byte} at {at}");
            match result {
                Ok(source) => {
                    assert!(source.shape().iter().product::<u64>() * source.dtype().size_bytes() as u64 <= 96);
                    n_read += 1;
                }
                Err(error) => {
                    check_error("changed", &error, "changed.npy");
                    n_refused += 1;
                }
            }
        }
    }
    assert!(n_refused > 200 && n_read > 10, "{n_refused} refused, {n_read} read");
}

#[test]
fn folders_and_missing_files_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    assert!(NpySource::open(dir.path()).unwrap_err().to_string().contains("not a regular file"));
    let missing = NpySource::open(dir.path().join("none.npy")).unwrap_err();
    assert!(missing.family() == Family::Resource && missing.to_string().contains("none.npy"));
}

#[cfg(feature = "zarr")]
mod zarr {
    use std::path::PathBuf;

    use hyperslab::block::{BlockLocation, BlockSource};
    use hyperslab::chunks::Grid;
    use hyperslab::io::ZarrSource;
    use serde_json::{Value, json};

    use super::*;

    fn v3() -> Value {
        json!({
            "zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "int32",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 6]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": 0,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd", "configuration": {"level": 1, "checksum": false}}],
            "attributes": {},
        })
    }

    fn v2() -> Value {
        json!({
            "zarr_format": 2, "shape": [4, 6], "chunks": [2, 6], "dtype": "<i4", "fill_value": 0, "order": "C",
            "filters": null, "dimension_separator": ".", "compressor": {"id": "zlib", "level": 1},
        })
    }

    fn sharded() -> Value {
        let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let mut meta = v3();
        meta["codecs"] = json!([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [1, 3], "codecs": [bytes], "index_codecs": [bytes, {"name": "crc32c"}], "index_location": "end",
        }}]);
        meta
    }

    fn with(mut meta: Value, pointer: &str, value: Value) -> Value {
        match meta.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => meta[pointer.trim_start_matches('/')] = value,
        }
        meta
    }

    fn without(mut meta: Value, key: &str) -> Value {
        meta.as_object_mut().unwrap().remove(key).unwrap();
        meta
    }

    fn refuse(dir: &Path, name: &str, file: &str, text: &str, says: &str) {
        std::fs::write(dir.join(file), text).unwrap();
        let (result, peak_bytes) = measured(|| ZarrSource::open(dir));
        let error = result.map(|source| format!("{source:?}")).expect_err(name);
        check_error(name, &error, says);
        assert!(peak_bytes <= MAX_BYTES + text.len(), "{name}: {peak_bytes} bytes for {}", text.len());
        std::fs::remove_file(dir.join(file)).unwrap();
    }

    #[test]
    fn hostile_metadata_of_version_3_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refuse = |name: &str, text: &str, says: &str| refuse(dir.path(), name, "zarr.json", text, says);
        const NOT_META: &str = "zarr.json is not the metadata of an array";
        refuse("empty", "", NOT_META);
        refuse("not JSON", "{{{{", NOT_META);
        refuse("a number", "3", NOT_META);
        refuse("an empty object", "{}", NOT_META);
        refuse("deep", &"[".repeat(100_000), NOT_META);
        refuse("deep attributes", &format!("{{\"attributes\": {}", "{\"a\":".repeat(10_000)), NOT_META);
        refuse("too long", &" ".repeat((1 << 20) + 1), "more than 1048576 bytes of metadata");
        refuse("not UTF-8", "{\"\u{fffd}", NOT_META);
        let cases = [
            ("/zarr_format", json!(4), NOT_META),
            ("/node_type", json!("group"), "it is a group of arrays"),
            ("/node_type", json!("thing"), NOT_META),
            ("/shape", json!([-4, 6]), NOT_META),
            ("/shape", json!([4.5, 6]), NOT_META),
            ("/shape", json!("4, 6"), NOT_META),
            ("/shape", json!([4]), "chunks of 2 axes for an array of 1 axes"),
            ("/shape", json!(vec![1; 70]), "chunks of 2 axes for an array of 70 axes"),
            ("/shape", json!([u64::MAX, u64::MAX]), "exceeds 2^63 bytes"),
            ("/shape", json!([0, u64::MAX]), "exceeds 2^63 bytes"),
            ("/shape", json!([1u64 << 31, 1u64 << 31]), "exceeds 2^63 bytes"),
            ("/data_type", json!("float16"), "not a supported element type"),
            ("/data_type", json!("string"), "not a supported element type"),
            ("/data_type", json!("r8"), "not a supported element type"),
            ("/data_type", json!(7), NOT_META),
            ("/data_type", json!("f8"), "data type"),
            ("/fill_value", json!("NaN"), "the fill value is not of type int32"),
            ("/fill_value", json!(1e300), "the fill value is not of type int32"),
            ("/fill_value", json!(u64::MAX), "the fill value is not of type int32"),
            ("/fill_value", json!([1, 2]), "the fill value is not of type int32"),
            ("/fill_value", json!({"a": 1}), "the fill value is not of type int32"),
            ("/chunk_grid/name", json!("rectangular"), "chunk grid rectangular is not supported"),
            ("/chunk_grid/name", json!("../../etc"), "is not supported"),
            ("/chunk_grid/configuration", json!({}), "chunk_shape"),
            ("/chunk_grid/configuration/chunk_shape", json!([0, 6]), "chunk grid"),
            ("/chunk_grid/configuration/chunk_shape", json!([-2, 6]), "chunk grid"),
            ("/chunk_grid/configuration/chunk_shape", json!([2]), "chunks of 1 axes"),
            ("/chunk_grid/configuration/chunk_shape", json!([2, 6, 1]), "chunks of 3 axes"),
            ("/chunk_grid/configuration/chunk_shape", json!([u64::MAX, u64::MAX]), "one chunk"),
            ("/chunk_grid/configuration/chunk_shape", json!([1u64 << 40, 6]), "takes more than"),
            ("/chunk_key_encoding/name", json!("default_suffix"), "is not supported"),
            ("/chunk_key_encoding/name", json!("/"), "is not supported"),
            ("/chunk_key_encoding/configuration/separator", json!("/../"), "chunk key encoding"),
            ("/codecs", json!([]), "the codecs do not fit"),
            (
                "/codecs",
                json!([{"name": "zstd", "configuration": {"level": 1, "checksum": false}}]),
                "the codecs do not fit",
            ),
            ("/codecs", json!([{"name": "bytes"}, {"name": "bytes"}]), "the codecs do not fit"),
            ("/codecs", json!(vec![json!({"name": "crc32c"}); 100]), "100 codecs in a row"),
            ("/codecs", json!(vec![json!({"name": "crc32c"}); 10_000]), "fields of more than 8192 bytes"),
            ("/codecs/1/name", json!("lz77"), "codec lz77 is not supported"),
            ("/codecs/1/name", json!("x".repeat(5000)), "is not supported"),
            ("/codecs/1/name", json!("test_unbounded"), "is not supported"),
            ("/codecs/1", json!({"name": "reshape", "configuration": {"shape": [1]}}), "is not supported"),
            ("/codecs/1", json!({"name": "lz77", "must_understand": false}), "codec lz77 is not supported"),
            ("/codecs/1", json!({"name": "blosc"}), "codec blosc"),
            ("/codecs/1", json!({"name": "blosc", "configuration": {"cname": "none", "clevel": 99}}), "codec blosc"),
            ("/codecs/1", json!({"name": "transpose", "configuration": {"order": [0, 0]}}), "no order of 2 axes"),
            ("/codecs/1", json!({"name": "transpose", "configuration": {"order": [0]}}), "no order of 2 axes"),
            ("/codecs/1", json!({"name": "transpose", "configuration": {"order": []}}), "no order of 2 axes"),
            (
                "/codecs/1",
                json!({"name": "transpose", "configuration": {"order": vec![0; 3000]}}),
                "no order of 2 axes",
            ),
            ("/codecs/1", json!({"name": "transpose"}), "codec transpose"),
            ("/storage_transformers", json!([{"name": "thing"}]), "storage transformers"),
            ("/extension", json!({"must_understand": true}), "field extension is not known"),
            ("/extension", json!(5), "field extension is not known"),
            ("/extension", json!(vec![0; 50_000]), "fields of more than 8192 bytes"),
        ];
        for (pointer, value, says) in cases {
            refuse(pointer, &with(v3(), pointer, value).to_string(), says);
        }
        let large =
            with(v3(), "/attributes", json!({"numbers": vec![0; 200_000], "text": "x".repeat(100_000)})).to_string();
        std::fs::write(dir.path().join("zarr.json"), &large).unwrap();
        let (result, peak_bytes) = measured(|| ZarrSource::open(dir.path()));
        assert!(result.is_ok() && peak_bytes <= MAX_BYTES + large.len(), "{peak_bytes} bytes for attributes");
        for key in [
            "shape",
            "data_type",
            "chunk_grid",
            "chunk_key_encoding",
            "fill_value",
            "codecs",
            "node_type",
            "zarr_format",
        ] {
            refuse(key, &without(v3(), key).to_string(), NOT_META);
        }
    }

    #[test]
    fn hostile_shards_are_refused_when_they_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        const CONFIG: &str = "/codecs/0/configuration";
        let at = |key: &str| format!("{CONFIG}/{key}");
        let zstd = json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}});
        let huge = with(sharded(), "/chunk_grid/configuration/chunk_shape", json!([1u64 << 31, 3u64 << 31]));
        let nested = sharded()["codecs"][0].clone();
        let cases = [
            (with(sharded(), CONFIG, json!({})), "chunk_shape"),
            (with(sharded(), &at("chunk_shape"), json!([0, 3])), "nonzero"),
            (with(sharded(), &at("chunk_shape"), json!([1, 4])), "inner chunks (1, 4) do not divide shards (2, 6)"),
            (with(sharded(), &at("chunk_shape"), json!([1])), "inner chunks (1) do not divide"),
            (with(sharded(), &at("chunk_shape"), json!([4, 12])), "do not divide"),
            (with(sharded(), &at("codecs"), json!([])), "the codecs do not fit"),
            (with(sharded(), &at("codecs"), json!([nested])), "codec sharding_indexed is not supported"),
            (with(sharded(), &at("index_codecs"), json!([])), "shard index"),
            (with(sharded(), &at("index_codecs/1"), zstd.clone()), "must not compress"),
            (with(sharded(), &at("index_location"), json!("middle")), "middle"),
            (
                with(sharded(), "/codecs", json!([sharded()["codecs"][0], zstd])),
                "codec sharding_indexed is not supported",
            ),
            (huge, "shards of (2147483648, 2147483648) inner chunks"),
        ];
        for (meta, says) in cases {
            refuse(dir.path(), says, "zarr.json", &meta.to_string(), says);
        }
    }

    #[test]
    fn hostile_metadata_of_version_2_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        const NOT_META: &str = ".zarray is not the metadata of an array";
        let cases = [
            ("/zarr_format", json!(3), NOT_META),
            ("/shape", json!([-1, 6]), NOT_META),
            ("/shape", json!([u64::MAX, 2]), "exceeds 2^63 bytes"),
            ("/shape", json!([4]), "chunks of 2 axes for an array of 1 axes"),
            ("/chunks", json!([0, 6]), NOT_META),
            ("/chunks", json!([]), "chunks of 0 axes"),
            ("/chunks", json!([1u64 << 62, 6]), "takes more than"),
            ("/dtype", json!("|O"), ""),
            ("/dtype", json!("<f2"), ""),
            ("/dtype", json!("<U5"), ""),
            ("/dtype", json!("<i"), ""),
            ("/dtype", json!(""), ""),
            ("/dtype", json!([["a", "<f8"]]), ""),
            ("/dtype", json!([["a", [["b", "<f8"]]]]), ""),
            ("/fill_value", json!("abc"), ""),
            ("/fill_value", json!([1]), ""),
            ("/order", json!("K"), NOT_META),
            ("/filters", json!([{"id": "delta", "dtype": "<i4"}]), "filters are not supported"),
            ("/compressor", json!({"id": "lz4"}), "compressor lz4 is not supported"),
            ("/compressor", json!({"id": "../../x"}), "is not supported"),
            ("/compressor", json!({"id": "blosc"}), ""),
            ("/compressor", json!({"id": "blosc", "cname": "x", "clevel": -1, "shuffle": 9}), ""),
            ("/dimension_separator", json!("/../"), NOT_META),
        ];
        for (pointer, value, says) in cases {
            refuse(dir.path(), pointer, ".zarray", &with(v2(), pointer, value).to_string(), says);
        }
        // An order of no axes is one that nothing can be said against.
        let scalar = json!({"zarr_format": 2, "shape": [], "chunks": [], "dtype": "<i4", "fill_value": 5, "order": "F",
            "filters": null, "compressor": null});
        std::fs::write(dir.path().join(".zarray"), scalar.to_string()).unwrap();
        assert!(ZarrSource::open(dir.path()).is_ok());
    }

    /// Every value in a document, replaced by others in turn.
    #[test]
    fn any_changed_value_gives_an_array_or_an_error() {
        fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
            found.push(at.to_owned());
            match value {
                Value::Object(map) => {
                    map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found));
                }
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), found));
                }
                _ => {}
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1),
            json!(7),
            json!(u64::MAX),
            json!(1e308),
            json!(""),
            json!("../x"),
            json!("bytes"),
            json!([]),
            json!([0]),
            json!([1, 1]),
            json!({}),
            json!({"name": "bytes"}),
        ];
        let grid = Grid::single(&[4, 6]);
        let mut n_read = 0;
        for (file, good) in [("zarr.json", v3()), ("zarr.json", sharded()), (".zarray", v2())] {
            let mut places = Vec::new();
            pointers(&good, "", &mut places);
            for place in &places {
                for value in &values {
                    let text = with(good.clone(), place, value.clone()).to_string();
                    std::fs::write(dir.path().join(file), &text).unwrap();
                    let (result, peak_bytes) = measured(|| ZarrSource::open(dir.path()));
                    assert!(peak_bytes <= MAX_BYTES, "{peak_bytes} bytes for {value} at {place}");
                    match result {
                        Ok(source) => {
                            n_read += 1;
                            // Nothing is stored, so every chunk is the fill value.
                            if source.shape() == [4, 6] {
                                source.read(&BlockLocation::new(&grid, 0)).unwrap();
                            }
                        }
                        Err(error) => check_error(place, &error, ""),
                    }
                }
            }
            std::fs::remove_file(dir.path().join(file)).unwrap();
        }
        assert!(n_read > 50, "{n_read} read");
    }

    /// A store with one chunk file.
    struct Store {
        dir: tempfile::TempDir,
        chunk: PathBuf,
    }

    impl Store {
        fn new(meta: &Value, key: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let file = if meta["zarr_format"] == 2 { ".zarray" } else { "zarr.json" };
            std::fs::write(dir.path().join(file), meta.to_string()).unwrap();
            let chunk = dir.path().join(key);
            std::fs::create_dir_all(chunk.parent().unwrap()).unwrap();
            Self { dir, chunk }
        }

        /// Reads the whole array with the given bytes as the chunk; the error and the memory it took.
        fn refused(&self, bytes: &[u8]) -> (Error, usize) {
            std::fs::write(&self.chunk, bytes).unwrap();
            let source = ZarrSource::open(self.dir.path()).unwrap();
            let at = BlockLocation::new(&Grid::single(source.shape()), 0);
            let (result, peak_bytes) = measured(|| source.read(&at));
            (result.map(|block| block.shape()).expect_err("a hostile chunk was read"), peak_bytes)
        }

        fn check(&self, name: &str, bytes: &[u8], says: &str) {
            let (error, peak_bytes) = self.refused(bytes);
            check_error(name, &error, says);
            assert!(error.to_string().contains(self.chunk.file_name().unwrap().to_str().unwrap()), "{name}: {error}");
            assert!(peak_bytes <= MAX_BYTES + bytes.len(), "{name}: {peak_bytes} bytes");
        }
    }

    fn codec(name: &str) -> Value {
        let config = match name {
            "gzip" | "numcodecs.zlib" => json!({"level": 1}),
            "blosc" => json!({"cname": "lz4", "clevel": 1, "shuffle": "noshuffle", "typesize": 4, "blocksize": 0}),
            _ => json!({"level": 1, "checksum": false}),
        };
        with(v3(), "/codecs/1", json!({"name": name, "configuration": config}))
    }

    #[test]
    fn bombs_do_not_go_off() {
        const BOMB_BYTES: usize = 64 << 20;
        let zeros = vec![0u8; BOMB_BYTES];
        let zstd = zstd::bulk::compress(&zeros, 3).unwrap();
        let mut unsized_zstd = Vec::new();
        zstd::stream::copy_encode(&zeros[..], &mut unsized_zstd, 3).unwrap();
        let deflated = |zlib: bool| {
            use std::io::Write;
            let mut bytes = Vec::new();
            if zlib {
                let mut encoder = flate2::write::ZlibEncoder::new(&mut bytes, flate2::Compression::fast());
                encoder.write_all(&zeros).unwrap();
                encoder.finish().unwrap();
            } else {
                let mut encoder = flate2::write::GzEncoder::new(&mut bytes, flate2::Compression::fast());
                encoder.write_all(&zeros).unwrap();
                encoder.finish().unwrap();
            }
            bytes
        };
        Store::new(&codec("zstd"), "c/0/0").check("zstd", &zstd, "zstd: ");
        Store::new(&codec("zstd"), "c/0/0").check("zstd without a size", &unsized_zstd, "zstd: ");
        // A file beyond what a chunk can take is not even read; so the deflate bombs are shortened.
        Store::new(&codec("gzip"), "c/0/0").check("gzip", &deflated(false), "where a chunk takes at most");
        Store::new(&codec("gzip"), "c/0/0").check("short gzip", &deflated(false)[..60_000], "more than the 48 bytes");
        Store::new(&codec("numcodecs.zlib"), "c/0/0").check(
            "zlib",
            &deflated(true)[..60_000],
            "more than the 48 bytes",
        );
        // A frame that claims 2^60 bytes: magic, descriptor with an 8-byte size, the size.
        let claim = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &(1u64 << 60).to_le_bytes(), &[1, 0, 0]].concat();
        Store::new(&codec("zstd"), "c/0/0").check("zstd claim", &claim, "zstd: ");
        let mut blosc = vec![2u8, 1, 0, 4];
        blosc.extend(u32::MAX.to_le_bytes());
        blosc.extend(64u32.to_le_bytes());
        blosc.extend(20u32.to_le_bytes());
        blosc.extend([0; 4]);
        Store::new(&codec("blosc"), "c/0/0").check(
            "blosc claim",
            &blosc,
            "4294967295 bytes where a chunk takes at most 48",
        );
    }

    #[test]
    fn chunks_that_are_cut_or_changed_are_errors() {
        let elems: Vec<u8> = (0..48).collect();
        let good = zstd::bulk::compress(&elems, 1).unwrap();
        let store = Store::new(&codec("zstd"), "c/0/0");
        for len in 0..good.len() {
            store.check("cut", &good[..len], "");
        }
        store.check("longer", &[&good[..], &good[..]].concat(), "");
        store.check("shorter", &zstd::bulk::compress(&elems[..47], 1).unwrap(), "47 bytes where a chunk takes 48");
        store.check("garbage", &[0x55; 64], "zstd: ");
        let plain = Store::new(
            &with(v3(), "/codecs", json!([{"name": "bytes", "configuration": {"endian": "little"}}])),
            "c/0/0",
        );
        plain.check("short", &elems[..47], "47 bytes where a chunk takes 48");
        plain.check("long", &[7; 49], "a file of 49 bytes where a chunk takes at most 48");
        let blosc = Store::new(&codec("blosc"), "c/0/0");
        for len in [0, 3, 15, 16, 20] {
            blosc.check("blosc", &vec![1; len], "blosc");
        }
        let fixture = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/zarr/v3_blosc.zarr"));
        let blosc =
            Store::new(&serde_json::from_slice(&std::fs::read(fixture.join("zarr.json")).unwrap()).unwrap(), "c/0/0");
        let bytes = std::fs::read(fixture.join("c/0/0")).unwrap();
        for at in 0..16 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x41;
            std::fs::write(&blosc.chunk, &bytes).unwrap();
            let source = ZarrSource::open(blosc.dir.path()).unwrap();
            // Some bits of a header do not matter; whatever comes, it is an answer.
            let _ = source.read(&BlockLocation::new(&Grid::single(source.shape()), 0)).is_ok();
        }
    }

    /// A shard of 2 x 2 inner chunks of 12 bytes with its index.
    fn shard(index: [u64; 8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..48).collect();
        let index: Vec<u8> = index.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(&index);
        bytes.extend(crc32c(&index).to_le_bytes());
        bytes
    }

    /// The checksum of Castagnoli, bit by bit.
    fn crc32c(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1)))
        })
    }

    #[test]
    fn shards_that_are_cut_or_lie_are_errors() {
        const ABSENT: u64 = u64::MAX;
        let store = Store::new(&sharded(), "c/0/0");
        let good = shard([0, 12, 12, 12, 24, 12, 36, 12]);
        std::fs::write(&store.chunk, &good).unwrap();
        let source = ZarrSource::open(store.dir.path()).unwrap();
        assert!(source.read(&BlockLocation::new(&Grid::single(&[4, 6]), 0)).is_ok());
        for len in 0..good.len() {
            store.check("cut", &good[..len], "");
        }
        store.check("cut before the index", &good[..67], "has no room for its index of 68");
        for at in 48..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 0x10;
            store.check("changed index", &changed, "shard index");
        }
        store.check(
            "beyond the end",
            &shard([0, 12, 12, 12, 24, 12, 110, 12]),
            "inner chunk (1, 1): bytes 110 to 110 + 12 lie outside",
        );
        store.check(
            "overflow",
            &shard([u64::MAX - 1, 12, 12, 12, 24, 12, 36, 12]),
            "lie outside the shard of 116 bytes",
        );
        store.check("2^63 bytes", &shard([0, 1 << 63, 12, 12, 24, 12, 36, 12]), "lie outside the shard");
        store.check("half absent", &shard([ABSENT, 12, 12, 12, 24, 12, 36, 12]), "lie outside the shard");
        store.check(
            "too long",
            &shard([0, 13, 12, 12, 24, 12, 36, 12]),
            "13 bytes where an inner chunk takes at most 12",
        );
        store.check("too short", &shard([0, 11, 12, 12, 24, 12, 36, 12]), "11 bytes where a chunk takes 12");
        std::fs::write(&store.chunk, shard([ABSENT; 8])).unwrap();
        let source = ZarrSource::open(store.dir.path()).unwrap();
        let block = source.read(&BlockLocation::new(&Grid::single(&[4, 6]), 0)).unwrap();
        assert!(block.dense::<i32>().unwrap().iter().all(|&x| x == 0));
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_of_the_folder() {
        let store = Store::new(&codec("zstd"), "c/0/0");
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), b"secret").unwrap();
        let read = || {
            let source = ZarrSource::open(store.dir.path()).unwrap();
            source.read(&BlockLocation::new(&Grid::single(&[4, 6]), 0)).map(drop)
        };
        std::os::unix::fs::symlink(secret.path(), &store.chunk).unwrap();
        assert!(read().unwrap_err().to_string().contains("leads out of the folder"));
        std::fs::remove_dir_all(store.dir.path().join("c")).unwrap();
        std::os::unix::fs::symlink("/", store.dir.path().join("c")).unwrap();
        // There is no /0/0, and nothing is read from outside either way.
        assert!(read().is_ok());
        std::fs::remove_file(store.dir.path().join("c")).unwrap();
        std::fs::create_dir_all(&store.chunk).unwrap();
        assert!(read().unwrap_err().to_string().contains("not a regular file"));
        std::fs::remove_file(store.dir.path().join("zarr.json")).unwrap();
        std::os::unix::fs::symlink(secret.path(), store.dir.path().join("zarr.json")).unwrap();
        assert!(ZarrSource::open(store.dir.path()).unwrap_err().to_string().contains("leads out of the folder"));
    }
}
