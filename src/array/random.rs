//! Random arrays.

use std::ops::Range;

use super::create::{IntoShape, checked_shape, dense_grid};
use super::{Array, DynArray};
use crate::block::ArrayMeta;
use crate::chunks::Chunks;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::kernels::named::{Law, Random};

/// Makes random arrays from a seed (NumPy's `Generator`).
///
/// Every array that it makes is another one, and what the *n*-th array holds depends on the seed, `n` and its shape alone:
/// neither on its chunks nor on the threads that run it. Arrays are lazy as all others, and may be computed in part.
/// Numbers are those of `rand_chacha` by the position of the element; they are not fit for keys and passwords.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let x = Rng::seeded(7).normal(10.0, 2.0, [1000, 100], Chunks::size(64))?;
/// assert!((x.mean().scalar()? - 10.0).abs() < 0.05 && (x.std().scalar()? - 2.0).abs() < 0.05);
///
/// let other_chunks = Rng::seeded(7).normal(10.0, 2.0, [1000, 100], Chunks::whole())?;
/// assert_eq!(x.compute()?, other_chunks.compute()?);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "default_rng")]
#[doc(alias = "Generator")]
pub struct Rng {
    seed: u64,
    n_arrays: u64,
}

impl Rng {
    /// A generator; equal seeds give equal arrays.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let (mut a, mut b) = (Rng::seeded(1), Rng::seeded(1));
    /// let (x, y) = (a.random([6], 2)?, b.random([6], 3)?);
    /// assert_eq!(x.compute()?, y.compute()?);
    /// assert_ne!(x.compute()?, a.random([6], 2)?.compute()?);          // the second array of this generator
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn seeded(seed: u64) -> Self {
        Self { seed, n_arrays: 0 }
    }

    /// Numbers between 0 and 1, less than 1.
    ///
    /// # Errors
    /// As [`uniform`](Self::uniform).
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Rng::seeded(3).random([4000], Chunks::auto())?;
    /// assert!(x.ge(0.0)?.all().scalar()? && x.lt(1.0)?.all().scalar()?);
    /// assert!((x.mean().scalar()? - 0.5).abs() < 0.02);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn random(&mut self, shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Array<f64>> {
        self.make("random", Law::Uniform { low: 0.0, high: 1.0 }, shape, chunks)
    }

    /// Numbers from `low` to `high`, evenly spread.
    ///
    /// # Errors
    /// `low` and `high` are not finite or in the wrong order, or the chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Rng::seeded(3).uniform(-2.0, 6.0, [40, 100], Chunks::size(30))?;
    /// assert!(x.min().scalar()? >= -2.0 && x.max().scalar()? < 6.0);
    /// assert!((x.mean().scalar()? - 2.0).abs() < 0.2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn uniform(
        &mut self,
        low: f64,
        high: f64,
        shape: impl IntoShape,
        chunks: impl Into<Chunks>,
    ) -> Result<Array<f64>> {
        let is_range = low <= high && (high - low).is_finite();
        check("uniform", is_range, || format!("{low} to {high} is no range of numbers"))?;
        self.make("uniform", Law::Uniform { low, high }, shape, chunks)
    }

    /// Numbers by the bell curve with mean 0 and standard deviation 1.
    ///
    /// # Errors
    /// The chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Rng::seeded(5).standard_normal([10_000], Chunks::auto())?;
    /// let near = x.absolute().lt(1.0)?.mean().scalar()?;
    /// assert!((near - 0.683).abs() < 0.02);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn standard_normal(&mut self, shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Array<f64>> {
        self.make("standard_normal", Law::Normal { mean: 0.0, deviation: 1.0 }, shape, chunks)
    }

    /// Numbers by the bell curve with a mean and a standard deviation.
    ///
    /// # Errors
    /// The mean or the deviation is not finite, the deviation is negative, or the chunks do not fit the shape.
    ///
    /// # Examples
    /// See [`Rng`].
    pub fn normal(
        &mut self,
        mean: f64,
        deviation: f64,
        shape: impl IntoShape,
        chunks: impl Into<Chunks>,
    ) -> Result<Array<f64>> {
        let is_curve = mean.is_finite() && deviation.is_finite() && deviation >= 0.0;
        check("normal", is_curve, || format!("mean {mean}, standard deviation {deviation}"))?;
        self.make("normal", Law::Normal { mean, deviation }, shape, chunks)
    }

    /// Waiting times: positive numbers whose density falls by the factor e with every `scale`, which is their mean.
    ///
    /// # Errors
    /// The scale is not finite or negative, or the chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let x = Rng::seeded(5).exponential(3.0, [10_000], Chunks::auto())?;
    /// assert!(x.min().scalar()? >= 0.0 && (x.mean().scalar()? - 3.0).abs() < 0.1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn exponential(&mut self, scale: f64, shape: impl IntoShape, chunks: impl Into<Chunks>) -> Result<Array<f64>> {
        check("exponential", scale.is_finite() && scale >= 0.0, || format!("a scale of {scale}"))?;
        self.make("exponential", Law::Exponential { scale }, shape, chunks)
    }

    /// Integers of a range, each as likely as the others.
    ///
    /// # Errors
    /// The range is empty, or the chunks do not fit the shape.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let dice = Rng::seeded(11).integers(1..7, [6000], Chunks::auto())?;
    /// let sixes = dice.eq(6)?.sum().scalar()?;
    /// assert!((900..1100).contains(&sixes));
    /// assert_eq!((dice.min().scalar()?, dice.max().scalar()?), (1, 6));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "randint")]
    pub fn integers(
        &mut self,
        range: Range<i64>,
        shape: impl IntoShape,
        chunks: impl Into<Chunks>,
    ) -> Result<Array<i64>> {
        check("integers", range.start < range.end, || format!("{range:?} holds no integers"))?;
        let n = range.end.wrapping_sub(range.start) as u64;
        self.make("integers", Law::Integers { low: range.start, n }, shape, chunks)
    }

    fn make<T: Element>(
        &mut self,
        op: &'static str,
        law: Law,
        shape: impl IntoShape,
        chunks: impl Into<Chunks>,
    ) -> Result<Array<T>> {
        let shape = checked_shape(op, shape)?;
        let meta = ArrayMeta::dense(T::DTYPE, dense_grid(op, &shape, &chunks.into(), T::DTYPE)?);
        let kernel = Random { law, seed: self.seed, stream: self.n_arrays, shape };
        self.n_arrays += 1;
        Array::try_wrap(DynArray::map_kernel(op, &kernel, &[], meta))
    }
}

fn check(op: &'static str, holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::value(op, otherwise())) }
}
