//! Files that other programs wrote, and round trips through our own.

use std::path::PathBuf;

use hyperslab::block::{ArrayMeta, Block, BlockLocation, BlockSink, BlockSource};
use hyperslab::chunks::{AxisChunks, Grid};
use hyperslab::element::{DType, Scalar};
use hyperslab::io::{NpySink, NpySource};
use hyperslab::{Chunks, Result};
use ndarray::{ArrayD, Dimension, IxDyn};
use proptest::prelude::*;

const TYPES: [&str; 13] = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
];

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")).join(name)
}

/// All elements of a source, read in blocks of the given chunks, as complex doubles.
fn read_all(source: &dyn BlockSource, shape: &[u64], chunks: &Chunks) -> ArrayD<Scalar> {
    let grid = chunks.grid_for(shape, 8).unwrap();
    let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    let mut all = ArrayD::from_elem(IxDyn(&lens), Scalar::Bool(false));
    for number in 0..grid.n_blocks() {
        let at = BlockLocation::new(&grid, number);
        let block = source.read(&at).unwrap();
        assert_eq!(Some(block.shape()), at.shape());
        let mut target = all.view_mut();
        for (axis, range) in at.ranges().unwrap().iter().enumerate() {
            let slice = ndarray::Slice::from(range.start as usize..range.end as usize);
            target.slice_axis_inplace(ndarray::Axis(axis), slice);
        }
        target.assign(&scalars(&block));
    }
    all
}

fn scalars(block: &Block) -> ArrayD<Scalar> {
    macro_rules! by_type {
        ($($variant:ident)*) => {
            match block { $(Block::$variant(data) => data.to_dense().unwrap().mapv(Scalar::from).into_owned(),)* }
        };
    }
    by_type!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64 C32 C64)
}

/// What `make.py` puts into its files.
fn sample(shape: &[usize], dtype: DType) -> ArrayD<Scalar> {
    let mut next = 0;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        let i = next;
        next += 1;
        match dtype {
            DType::Bool => Scalar::Bool(i % 3 == 0),
            DType::C32 | DType::C64 => Scalar::C64(num_complex::Complex::new(i as f64, 0.0 - i as f64)).cast(dtype),
            _ => Scalar::I64(i).cast(dtype),
        }
    })
}

fn check_npy(name: &str, dtype: DType, shape: &[usize], expected: &ArrayD<Scalar>) {
    let source = NpySource::open(fixture("npy").join(name)).unwrap();
    let lens: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
    assert_eq!((source.dtype(), source.shape()), (dtype, &lens[..]), "{name}");
    for chunks in [Chunks::whole(), Chunks::size(2), Chunks::size(3)] {
        assert_eq!(read_all(&source, &lens, &chunks), expected, "{name}");
    }
}

#[test]
fn numpy_files_of_every_type_are_read() {
    for name in TYPES {
        let dtype: DType = name.parse().unwrap();
        check_npy(&format!("{name}.npy"), dtype, &[3, 4], &sample(&[3, 4], dtype));
    }
}

#[test]
fn numpy_files_of_every_form_are_read() {
    let check = |name: &str, dtype, shape: &[usize]| check_npy(name, dtype, shape, &sample(shape, dtype));
    check("big_endian_int32.npy", DType::I32, &[3, 4]);
    check("big_endian_complex64.npy", DType::C32, &[3, 4]);
    check("fortran_float64.npy", DType::F64, &[2, 3, 4]);
    check("vector_int16.npy", DType::I16, &[7]);
    check("empty_float32.npy", DType::F32, &[3, 0, 2]);
    check("version_2_float32.npy", DType::F32, &[3, 4]);
    check("version_3_float32.npy", DType::F32, &[3, 4]);
    check_npy("scalar_float64.npy", DType::F64, &[], &ArrayD::from_elem(IxDyn(&[]), Scalar::F64(2.5)));
}

#[test]
fn numpy_files_that_hold_no_numbers_are_refused_with_a_remedy() {
    for (name, says) in [
        ("refused_object.npy", "pickled Python objects; loading them would run code"),
        ("refused_record.npy", "it holds records; save each field"),
        ("refused_string.npy", "elements of type '<U2' are not supported; convert"),
        ("refused_date.npy", "elements of type '<M8[D]' are not supported; convert"),
        ("refused_half.npy", "elements of type '<f2' are not supported; convert"),
    ] {
        let error = NpySource::open(fixture("npy").join(name)).unwrap_err();
        assert!(error.to_string().contains(says) && error.to_string().contains(name), "{error}");
    }
}

/// Writes every block of a grid, the last ones first.
fn write_all(sink: &dyn BlockSink, grid: &Grid, all: &ArrayD<i64>, dtype: DType) -> Result<()> {
    for number in (0..grid.n_blocks()).rev() {
        let at = BlockLocation::new(grid, number);
        let mut part = all.view();
        for (axis, range) in at.ranges()?.iter().enumerate() {
            let slice = ndarray::Slice::from(range.start as usize..range.end as usize);
            part.slice_axis_inplace(ndarray::Axis(axis), slice);
        }
        sink.write(&at, &cast(&part.to_owned(), dtype))?;
    }
    Ok(())
}

/// A block of a type from integers; transposed memory, as blocks may have.
fn cast(part: &ArrayD<i64>, dtype: DType) -> Block {
    let columns = ArrayD::from_shape_vec(
        part.t().raw_dim(),
        part.t().iter().map(|&i| Scalar::I64(i).cast(dtype)).collect::<Vec<_>>(),
    );
    let scalars = columns.unwrap().reversed_axes();
    macro_rules! by_type {
        ($($variant:ident)*) => {
            match dtype {
                $(DType::$variant => Block::from_dense(scalars.mapv(|x| match x {
                    Scalar::$variant(x) => x,
                    _ => unreachable!("cast to {dtype}"),
                })),)*
            }
        };
    }
    by_type!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64 C32 C64)
}

/// Shapes with cuts, and an element type.
fn cuts(max_ndim: usize) -> impl Strategy<Value = (Vec<u64>, Vec<Vec<u64>>, DType)> {
    let axis = prop::collection::vec(0u64..4, 1..4);
    let axes = prop::collection::vec(axis, 0..=max_ndim);
    (axes, prop::sample::select(DType::all().collect::<Vec<_>>()))
        .prop_map(|(sizes, dtype)| (sizes.iter().map(|sizes| sizes.iter().sum()).collect(), sizes, dtype))
}

fn numbers(shape: &[u64]) -> ArrayD<i64> {
    let lens: Vec<usize> = shape.iter().map(|&len| len as usize).collect();
    ArrayD::from_shape_fn(IxDyn(&lens), |i| i.as_array_view().iter().fold(3, |h, &i| (h * 31 + i as i64) % 127))
}

proptest! {
    #[test]
    fn npy_files_come_back((shape, sizes, dtype) in cuts(4), other in 1u64..5) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npy");
        let grid: Grid = sizes.iter().map(|sizes| AxisChunks::from_sizes(sizes).unwrap()).collect();
        let all = numbers(&shape);
        let sink = NpySink::create(&path, &ArrayMeta::dense(dtype, grid.clone())).unwrap();
        if all.is_empty() {
            sink.finish().unwrap();
        } else {
            prop_assert!(sink.finish().unwrap_err().to_string().contains("were never written"));
            write_all(&sink, &grid, &all, dtype).unwrap();
            sink.finish().unwrap();
        }
        let source = NpySource::open(&path).unwrap();
        prop_assert_eq!((source.dtype(), source.shape()), (dtype, &shape[..]));
        let expected = scalars(&cast(&all, dtype));
        prop_assert_eq!(read_all(&source, &shape, &Chunks::size(other)), expected);
        prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_file_cut_while_it_is_open_is_an_error_that_names_file_and_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.npy");
    std::fs::copy(fixture("npy/float64.npy"), &path).unwrap();
    let whole = std::fs::metadata(&path).unwrap().len();
    let source = NpySource::open(&path).unwrap();
    let grid = Chunks::from((1, 4)).grid_for(&[3, 4], 8).unwrap();
    for len in (0..whole).rev() {
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len).unwrap();
        let error = source.read(&BlockLocation::new(&grid, 2)).unwrap_err().to_string();
        assert!(error.contains("cut.npy: the file ends inside block (2, 0)"), "{error}");
        assert!(NpySource::open(&path).is_err());
    }
}

#[test]
fn the_key_of_a_file_changes_when_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    std::fs::copy(fixture("npy/float64.npy"), &path).unwrap();
    let key = NpySource::open(&path).unwrap().key();
    assert_eq!(NpySource::open(&path).unwrap().key(), key);
    let mut longer = std::fs::read(&path).unwrap();
    longer.push(0);
    std::fs::write(&path, longer).unwrap();
    assert_ne!(NpySource::open(&path).unwrap().key(), key);
}

#[cfg(feature = "zarr")]
mod zarr {
    use hyperslab::io::{ZarrOptions, ZarrSink, ZarrSource};

    use super::*;

    fn check(name: &str, dtype: DType, shape: &[usize], expected: &ArrayD<Scalar>) {
        let source = ZarrSource::open(fixture("zarr").join(name)).unwrap();
        let lens: Vec<u64> = shape.iter().map(|&len| len as u64).collect();
        assert_eq!((source.dtype(), source.shape()), (dtype, &lens[..]), "{name}");
        for chunks in [Chunks::whole(), source.default_chunks(1), source.default_chunks(64), Chunks::size(2)] {
            assert_eq!(read_all(&source, &lens, &chunks), expected, "{name}");
        }
    }

    #[test]
    fn stores_of_either_version_and_every_type_are_read() {
        for name in TYPES {
            let dtype: DType = name.parse().unwrap();
            let expected = sample(&[5, 6], dtype);
            check(&format!("v3_{name}.zarr"), dtype, &[5, 6], &expected);
            check(&format!("v2_{name}.zarr"), dtype, &[5, 6], &expected);
        }
    }

    #[test]
    fn stores_of_every_codec_are_read() {
        for name in [
            "v3_gzip",
            "v3_blosc",
            "v3_zstd_checksum",
            "v3_crc32c",
            "v3_plain",
            "v3_transposed",
            "v3_big_endian",
            "v3_sharded",
            "v3_dots",
            "v2_blosc",
            "v2_gzip",
            "v2_zlib",
            "v2_plain",
            "v2_big_endian",
            "v2_fortran",
        ] {
            check(&format!("{name}.zarr"), DType::I32, &[5, 6], &sample(&[5, 6], DType::I32));
        }
        check("v3_scalar.zarr", DType::F64, &[], &ArrayD::from_elem(IxDyn(&[]), Scalar::F64(2.5)));
    }

    #[test]
    fn what_is_not_stored_is_the_fill_value() {
        let mut expected = ArrayD::from_elem(IxDyn(&[6, 8]), Scalar::F32(f32::NAN));
        expected[[2, 0]] = Scalar::F32(1.5);
        expected[[2, 1]] = Scalar::F32(1.5);
        check("v3_holes.zarr", DType::F32, &[6, 8], &expected);
        let seven = |i: IxDyn| Scalar::I32(if i[0] < 3 && i[1] < 4 { 7 } else { 0 });
        check("v2_null_fill.zarr", DType::I32, &[5, 6], &ArrayD::from_shape_fn(IxDyn(&[5, 6]), |i| seven(i)));
    }

    #[test]
    fn stores_that_are_not_supported_say_why() {
        for (name, says) in [
            ("refused_lz4.zarr", "compressor lz4 is not supported"),
            ("refused_filter.zarr", "filters are not supported"),
            ("refused_string.zarr", "is not a supported element type"),
            ("refused_half.zarr", "\"float16\" is not a supported element type"),
            ("refused_group.zarr", "it is a group of arrays; open one of the arrays in it"),
            ("", "it holds neither zarr.json nor .zarray"),
        ] {
            let error = ZarrSource::open(fixture("zarr").join(name)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    proptest! {
        #[test]
        fn stores_come_back(
            axes in prop::collection::vec((0u64..9, 1u64..5, 1u64..4), 0..4),
            dtype in prop::sample::select(DType::all().collect::<Vec<_>>()),
            (sharded, other) in (any::<bool>(), 1u64..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.zarr");
            let shape: Vec<u64> = axes.iter().map(|axis| axis.0).collect();
            let inner: Vec<u64> = axes.iter().map(|axis| axis.1).collect();
            // A chunk is at most as long as its axis, so shards of short axes are cut to divisors.
            let grid: Grid = axes.iter().map(|&(len, inner, n)| AxisChunks::regular(len, inner * n)).collect();
            let sides = grid.axes().iter().map(|axis| axis.max_block_len().unwrap().max(1));
            let inner: Vec<u64> = sides.zip(inner).map(|(side, inner)| if side % inner == 0 { inner } else { 1 }).collect();
            let options = ZarrOptions::new().with_level(1);
            let options = if sharded { options.with_inner_chunks(inner) } else { options };
            let all = numbers(&shape);
            let sink = ZarrSink::create(&path, &ArrayMeta::dense(dtype, grid.clone()), &options).unwrap();
            prop_assert!(sink.finish().unwrap_err().to_string().contains("were never written"));
            write_all(&sink, &grid, &all, dtype).unwrap();
            sink.finish().unwrap();
            let source = ZarrSource::open(&path).unwrap();
            prop_assert_eq!((source.dtype(), source.shape()), (dtype, &shape[..]));
            let expected = scalars(&cast(&all, dtype));
            prop_assert_eq!(read_all(&source, &shape, &Chunks::size(other)), expected);
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn blocks_of_the_fill_value_are_not_stored() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zarr");
        let grid = Chunks::from((2, 2)).grid_for(&[4, 4], 8).unwrap();
        let mut all = ArrayD::<i64>::zeros(IxDyn(&[4, 4]));
        all[[2, 1]] = 9;
        let sink = ZarrSink::create(&path, &ArrayMeta::dense(DType::I64, grid.clone()), &ZarrOptions::new()).unwrap();
        write_all(&sink, &grid, &all, DType::I64).unwrap();
        sink.finish().unwrap();
        assert!(path.join("c/1/0").is_file() && !path.join("c/0").exists() && !path.join("c/1/1").exists());
        assert_eq!(read_all(&ZarrSource::open(&path).unwrap(), &[4, 4], &Chunks::size(3)), all.mapv(Scalar::I64));
    }

    #[test]
    fn folders_are_only_replaced_when_that_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zarr");
        let grid = Chunks::whole().grid_for(&[3], 8).unwrap();
        let meta = ArrayMeta::dense(DType::I64, grid.clone());
        let all = ArrayD::from_shape_vec(IxDyn(&[3]), vec![1, 2, 3]).unwrap();
        std::fs::create_dir(&path).unwrap();
        let create = |options: &ZarrOptions| ZarrSink::create(&path, &meta, options);
        assert!(create(&ZarrOptions::new()).unwrap_err().to_string().contains("exists; remove it"));
        assert!(create(&ZarrOptions::new().overwrite()).unwrap_err().to_string().contains("is no Zarr array"));
        std::fs::remove_dir(&path).unwrap();
        for _ in 0..2 {
            let sink = create(&ZarrOptions::new().overwrite()).unwrap();
            write_all(&sink, &grid, &all, DType::I64).unwrap();
            sink.finish().unwrap();
            assert_eq!(read_all(&ZarrSource::open(&path).unwrap(), &[3], &Chunks::whole()), all.mapv(Scalar::I64));
        }
        let uneven = ArrayMeta::dense(DType::I64, vec![AxisChunks::from_sizes(&[1, 2]).unwrap()].into_iter().collect());
        let error = ZarrSink::create(dir.path().join("b"), &uneven, &ZarrOptions::new()).unwrap_err();
        assert!(
            error.to_string().contains("chunks (1, 2) on axis 0 are not all of one length; call `rechunk`"),
            "{error}"
        );
        let shards = ZarrOptions::new().with_inner_chunks([2]);
        let error = ZarrSink::create(dir.path().join("b"), &meta, &shards).unwrap_err();
        assert!(error.to_string().contains("inner chunks (2) do not divide the chunks (3)"), "{error}");
    }
}
