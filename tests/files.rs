//! Files that other programs wrote, and round trips through our own.

use std::path::PathBuf;

use hyperslab::block::{ArrayMeta, Block, BlockLocation, BlockSink, BlockSource};
use hyperslab::chunks::{AxisChunks, Grid};
use hyperslab::element::{DType, Scalar};
use hyperslab::io::{NpySink, NpySource, open_npy, save_npy};
use hyperslab::prelude::{Array, BlockView, Coo, Runtime, s};
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

#[test]
fn lazy_arrays_go_to_npy_files_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    for runtime in [Runtime::local().serial(), Runtime::local().threads(3).memory(1 << 20)] {
        runtime.enter(|| {
            let x = Array::<f64>::arange(0.0, 60_000.0, 1.0, Chunks::size(700)).unwrap().reshape([200, 300]).unwrap();
            let y = (&x * 2.0).sqrt();
            save_npy(&y, &path).unwrap();
            let back: Array<f64> = open_npy(&path, (33, 50)).unwrap().try_typed().unwrap();
            assert_eq!(back.compute().unwrap(), y.compute().unwrap());
            // A slice is taken at the file, and the file may be written anew while it is read.
            let part =
                open_npy(&path, Chunks::auto()).unwrap().try_typed::<f64>().unwrap().slice(s![7..19, 250..]).unwrap();
            save_npy(&part, &path).unwrap();
            assert_eq!(open_npy(&path, 5).unwrap().known_shape().unwrap(), [12, 50]);
            assert_eq!(part.compute().unwrap(), y.slice(s![7..19, 250..]).unwrap().compute().unwrap());
        });
    }
    let unknown = Array::<i32>::arange(0, 9, 1, 3).unwrap();
    let unknown = unknown.mask(unknown.gt(4).unwrap()).unwrap();
    let error = save_npy(&unknown, &path).unwrap_err();
    assert!(error.is_unknown_chunks() && error.to_string().contains("compute_chunk_sizes"), "{error}");
    save_npy(&unknown.compute_chunk_sizes().unwrap(), &path).unwrap();
    assert_eq!(
        open_npy(&path, 5).unwrap().try_typed::<i32>().unwrap().compute().unwrap(),
        ndarray::arr1(&[5, 6, 7, 8]).into_dyn()
    );
}

#[test]
fn a_run_that_fails_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let x = Array::<i32>::arange(0, 9, 1, 2).unwrap();
    let failing = x
        .map_blocks(|b: BlockView<'_, i32>| match b.location().number() {
            3 => Err(b.sparse().unwrap_err()),
            _ => Ok(b.dense()?.to_owned().into()),
        })
        .unwrap();
    assert!(save_npy(&failing, &path).unwrap_err().to_string().contains("block (3)"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn sparse_arrays_are_written_densely() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let dense = ArrayD::from_shape_fn(IxDyn(&[6, 5]), |i| if (i[0] + i[1]) % 4 == 0 { i[0] as f32 } else { 1.5 });
    let sparse = Array::from_coo(Coo::from_dense_with_fill(&dense.view(), 1.5).unwrap(), 4).unwrap();
    save_npy(&sparse, &path).unwrap();
    assert_eq!(open_npy(&path, 3).unwrap().try_typed::<f32>().unwrap().compute().unwrap(), dense);
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data")).join(name)
}

#[test]
fn real_arrays_give_the_answers_of_numpy() {
    let a1b = open_npy(example("a1b_air_temperature.npy"), 40).unwrap();
    assert_eq!((a1b.dtype(), a1b.known_shape().unwrap()), (DType::F32, vec![240, 37, 49]));
    let kelvin = a1b.try_typed::<f32>().unwrap().astype::<f64>();
    let first: f64 = kelvin.slice(s![..20, .., ..]).unwrap().mean().scalar().unwrap();
    let last: f64 = kelvin.slice(s![220.., .., ..]).unwrap().mean().scalar().unwrap();
    assert!((last - first - 5.138_444_226_996_626).abs() < 1e-9, "{}", last - first);
    let sst = open_npy(example("sea_surface_temperature.npy"), 20).unwrap().try_typed::<f32>().unwrap();
    let valid = sst.astype::<f64>().mask(sst.isfinite()).unwrap().compute().unwrap();
    assert_eq!(valid.len(), 308_934);
    assert!((valid.mean().unwrap() - 300.808_438_158_795).abs() < 1e-9);
}

#[cfg(feature = "zarr")]
mod zarr {
    use hyperslab::io::{ZarrOptions, ZarrSink, ZarrSource, open_zarr, open_zarr_with, save_zarr, save_zarr_with};

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
        check("v2_null_fill.zarr", DType::I32, &[5, 6], &ArrayD::from_shape_fn(IxDyn(&[5, 6]), seven));
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
    fn lazy_arrays_go_to_stores_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zarr");
        let x = Array::<f32>::arange(0.0, 6000.0, 1.0, 1000).unwrap().reshape([60, 100]).unwrap();
        let y = (x * 0.5).rechunk((16, 32)).unwrap();
        for options in [ZarrOptions::new(), ZarrOptions::new().with_inner_chunks([8, 8])] {
            for threads in [1, 3] {
                let runtime = Runtime::local().threads(threads);
                runtime.enter(|| save_zarr_with(&y, &path, &options.clone().overwrite()).unwrap());
                let back: Array<f32> = open_zarr(&path).unwrap().try_typed().unwrap();
                assert_eq!(back.compute().unwrap(), y.compute().unwrap());
                let part =
                    open_zarr_with(&path, (7, 50)).unwrap().try_typed::<f32>().unwrap().slice(s![3..50, ..;3]).unwrap();
                assert_eq!(part.compute().unwrap(), y.slice(s![3..50, ..;3]).unwrap().compute().unwrap());
            }
        }
        let unknown = Array::<i32>::arange(0, 9, 1, 3).unwrap();
        let unknown = unknown.mask(unknown.gt(4).unwrap()).unwrap();
        let error = save_zarr(&unknown, dir.path().join("b.zarr")).unwrap_err();
        assert!(error.is_unknown_chunks() && error.to_string().contains("compute_chunk_sizes"), "{error}");
    }

    #[test]
    fn the_fill_value_of_a_sparse_array_is_that_of_the_store() {
        let dir = tempfile::tempdir().unwrap();
        for (i, fill) in [1.5, f64::NAN, f64::NEG_INFINITY, -0.0, 1e300].into_iter().enumerate() {
            let path = dir.path().join(format!("{i}.zarr"));
            let coo = Coo::from_coords_with_fill(&[vec![2]], vec![7.0], [8], fill).unwrap();
            let x = Array::from_coo(coo, 4).unwrap();
            save_zarr(&x, &path).unwrap();
            assert!(path.join("c/0").exists() && !path.join("c/1").exists());
            let back = open_zarr(&path).unwrap().try_typed::<f64>().unwrap().compute().unwrap();
            assert!(back.iter().enumerate().all(|(i, x)| x.to_bits() == if i == 2 { 7.0f64 } else { fill }.to_bits()));
        }
    }

    #[test]
    fn the_land_of_the_earth_is_read_in_blocks_of_whole_chunks() {
        let land = open_zarr(example("globe_land.zarr")).unwrap();
        assert_eq!((land.dtype(), land.known_shape().unwrap()), (DType::Bool, vec![21600, 43200]));
        let small = ZarrSource::open(example("globe_land.zarr")).unwrap();
        let grid = small.default_chunks(8 << 20).grid_for(&[21600, 43200], 1).unwrap();
        assert_eq!(grid.chunks_text(), "(2160, 2160)");
        // Europe and the north of Africa.
        let europe = land.try_typed::<bool>().unwrap().slice(s![4000..9000, 20_000..26_000]).unwrap();
        let n_land: i64 = europe.sum().scalar().unwrap();
        assert_eq!(n_land, 21_948_341);
    }

    #[test]
    fn default_chunks_stay_inside_shards_while_they_are_smaller() {
        let source = ZarrSource::open(fixture("zarr/v3_sharded.zarr")).unwrap();
        let text = |target_bytes| source.default_chunks(target_bytes).grid_for(&[5, 6], 4).unwrap().chunks_text();
        assert_eq!(source.chunk_shape(), [1, 2]);
        assert_eq!(
            [1, 16, 32, 64, 128, 1 << 30].map(text),
            ["(1, 2)", "(2, 2)", "(2, 4)", "(4, 4)", "(4, 6)", "(5, 6)"]
        );
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
