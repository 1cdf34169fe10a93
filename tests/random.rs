//! Random arrays: equal for equal seeds, whatever cuts, slices or runs them, and distributed as they say.

use hyperslab::prelude::*;
use ndarray::ArrayD;

mod support;

use support::runs::runtimes;

type Make = fn(&mut Rng, Chunks) -> Result<Array<f64>>;

/// One array of each law, of shape (13, 7, 5).
const LAWS: [(&str, Make); 5] = [
    ("random", |rng, chunks| rng.random([13, 7, 5], chunks)),
    ("uniform", |rng, chunks| rng.uniform(-3.0, 4.5, [13, 7, 5], chunks)),
    ("normal", |rng, chunks| rng.normal(-1.0, 2.5, [13, 7, 5], chunks)),
    ("exponential", |rng, chunks| rng.exponential(0.3, [13, 7, 5], chunks)),
    ("integers", |rng, chunks| Ok(rng.integers(-1000..1000, [13, 7, 5], chunks)?.astype())),
];

/// The third array of a seed, in one block.
fn whole(make: Make) -> ArrayD<f64> {
    let mut rng = Rng::seeded(99);
    (0..2).for_each(|_| drop(make(&mut rng, Chunks::whole())));
    make(&mut rng, Chunks::whole()).unwrap().compute().unwrap()
}

fn third(make: Make, chunks: Chunks) -> Array<f64> {
    let mut rng = Rng::seeded(99);
    (0..2).for_each(|_| drop(make(&mut rng, Chunks::size(3))));
    make(&mut rng, chunks).unwrap()
}

#[test]
fn chunks_and_runs_do_not_change_a_number() {
    for (law, make) in LAWS {
        let expected = whole(make);
        let cuts = [Chunks::size(1), Chunks::size(4), Chunks::from([13, 2, 5]), Chunks::from([5, 7, 1])];
        for (chunks, runtime) in cuts.into_iter().cycle().zip(runtimes()) {
            let found = runtime.enter(|| third(make, chunks.clone()).compute()).unwrap();
            assert_eq!(found, expected, "{law} in chunks {chunks:?}");
        }
        let part = third(make, Chunks::size(3)).slice(s![2..9;3, ..;-1, 4]).unwrap();
        assert_eq!(part.compute().unwrap(), expected.slice(ndarray::s![2..9;3, ..;-1, 4]).to_owned().into_dyn());
    }
}

#[test]
fn arrays_differ_by_seed_and_by_turn() {
    let first = |seed: u64| Rng::seeded(seed).random([50], 50).unwrap();
    assert_eq!(first(4).name(), first(4).name());
    let mut rng = Rng::seeded(4);
    let (a, b) = (rng.random([50], 50).unwrap(), rng.random([50], 50).unwrap());
    assert_ne!(a.name(), b.name());
    let differ = |x: &Array<f64>, y: &Array<f64>| x.ne(y).unwrap().all().scalar().unwrap();
    assert!(differ(&a, &b) && differ(&a, &first(5)) && differ(&first(1 << 40), &first(1 << 41)));
    let mut seen: Vec<u64> = a.compute().unwrap().iter().chain(&b.compute().unwrap()).map(|x| x.to_bits()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 100);
}

/// The largest distance between the share of elements below and what a law says, at the elements of a sorted sample.
fn distance(sample: &[f64], share_below: impl Fn(f64) -> f64) -> f64 {
    let n = sample.len() as f64;
    let at =
        |(i, &x): (usize, &f64)| (share_below(x) - i as f64 / n).abs().max((share_below(x) - (i + 1) as f64 / n).abs());
    sample.iter().enumerate().map(at).fold(0.0, f64::max)
}

#[test]
fn numbers_follow_their_laws() {
    const N: u64 = 40_000;
    // Kolmogorov's test: a sample of the law is farther off once in 10^7 seeds.
    let most = 2.9 / (N as f64).sqrt();
    let sorted = |x: Array<f64>| x.sort(0).unwrap().compute().unwrap().into_raw_vec_and_offset().0;
    let mut rng = Rng::seeded(2024);
    let uniform = sorted(rng.uniform(-1.0, 3.0, [N], 7000).unwrap());
    assert!(distance(&uniform, |x| (x + 1.0) / 4.0) < most);
    let waits = sorted(rng.exponential(2.0, [N], 7000).unwrap());
    assert!(distance(&waits, |x| 1.0 - (-x / 2.0).exp()) < most);
    // The bell curve by its moments, each within five standard errors.
    let z = rng.standard_normal([N], 7000).unwrap();
    let moment = |k: i32| z.powi(k).mean().scalar().unwrap() * (N as f64).sqrt();
    for (k, mean, spread) in
        [(1, 0.0, 1.0), (2, 1.0, 2.0f64.sqrt()), (3, 0.0, 15.0f64.sqrt()), (4, 3.0, 96.0f64.sqrt())]
    {
        assert!((moment(k) - mean * (N as f64).sqrt()).abs() < 5.0 * spread, "moment {k}");
    }
    let counts = rng.integers(-3..5, [N], 7000).unwrap().unique_all().unwrap();
    assert_eq!(counts.values.compute().unwrap().into_raw_vec_and_offset().0, (-3..5).collect::<Vec<i64>>());
    // Chi squared with seven degrees of freedom exceeds 45 once in 10^7.
    let expected = N as f64 / 8.0;
    let counts = counts.counts.compute().unwrap();
    let chi_squared: f64 = counts.iter().map(|&n| (n as f64 - expected).powi(2) / expected).sum();
    assert!(chi_squared < 45.0, "{chi_squared}");
}

#[test]
fn ends_of_ranges() -> Result<()> {
    let mut rng = Rng::seeded(0);
    assert_eq!(rng.integers(7..8, [3], 2)?.compute()?, ndarray::arr1(&[7; 3]).into_dyn());
    let wide = rng.integers(i64::MIN..i64::MAX, [1000], 100)?;
    let below_zero = wide.lt(0)?.sum().scalar()?;
    assert!((400..600).contains(&below_zero), "{below_zero}");
    assert_eq!(rng.uniform(2.5, 2.5, [2], 2)?.sum().scalar()?, 5.0);
    assert_eq!(rng.normal(2.5, 0.0, [2], 2)?.sum().scalar()?, 5.0);
    assert_eq!(rng.random([0, 3], Chunks::auto())?.known_shape()?, [0, 3]);
    assert_eq!(rng.random([0, 3], Chunks::auto())?.compute()?.len(), 0);
    assert!((0.0..1.0).contains(&rng.random((), Chunks::auto())?.scalar()?));
    Ok(())
}

#[test]
fn laws_without_numbers_are_refused() {
    let mut rng = Rng::seeded(0);
    let text = |error: Error| error.to_string();
    assert!(text(rng.integers(3..3, [2], 2).unwrap_err()).contains("3..3 holds no integers"));
    assert!(text(rng.uniform(1.0, 0.0, [2], 2).unwrap_err()).starts_with("uniform: 1 to 0"));
    assert!(rng.uniform(f64::MIN, f64::MAX, [2], 2).unwrap_err().is_usage());
    assert!(rng.normal(0.0, -1.0, [2], 2).unwrap_err().is_usage());
    assert!(rng.normal(f64::NAN, 1.0, [2], 2).unwrap_err().is_usage());
    assert!(rng.exponential(f64::INFINITY, [2], 2).unwrap_err().is_usage());
    assert!(rng.random([-2], 2).unwrap_err().is_shape());
}
