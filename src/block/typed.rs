//! One block of a static element type.

use ndarray::{ArcArray, ArrayD, ArrayViewD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::element::Element;
use crate::error::{Error, Result};
use crate::sparse::Coo;

/// The data of one block: dense or sparse. Cloning copies a pointer.
///
/// # Examples
/// ```
/// use hyperslab::prelude::*;
/// let dense = BlockData::from(ndarray::arr1(&[0, 5, 0]).into_dyn());
/// let sparse = BlockData::from(Coo::from_dense(&dense.dense()?)?);
/// assert_eq!((dense.shape(), sparse.shape()), (vec![3], vec![3]));
/// assert_eq!(dense.to_dense()?, sparse.to_dense()?);
/// # Ok::<(), hyperslab::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum BlockData<T: Element> {
    /// Every element is stored; strides may be anything.
    Dense(ArcArray<T, IxDyn>),
    /// Only elements that differ from the fill value are stored.
    Sparse(Coo<T>),
}

impl<T: Element> BlockData<T> {
    /// The lengths of the block along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(BlockData::from(ndarray::ArrayD::<f64>::zeros(vec![2, 3])).shape(), [2, 3]);
    /// ```
    pub fn shape(&self) -> Vec<usize> {
        match self {
            BlockData::Dense(array) => array.shape().to_vec(),
            BlockData::Sparse(coo) => coo.shape().iter().map(|&len| len as usize).collect(),
        }
    }

    /// Whether the block is sparse.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert!(BlockData::from(Coo::new(&[[1]], vec![5], [3])?).is_sparse());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn is_sparse(&self) -> bool {
        matches!(self, BlockData::Sparse(_))
    }

    /// The number of elements, stored or not.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(BlockData::from(Coo::new(&[[1]], vec![5], [3])?).n_elems(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_elems(&self) -> u64 {
        match self {
            BlockData::Dense(array) => array.len() as u64,
            BlockData::Sparse(coo) => u64::try_from(coo.size()).unwrap_or(u64::MAX),
        }
    }

    /// The bytes that hold the elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(BlockData::from(ndarray::ArrayD::<f64>::zeros(vec![2, 3])).n_bytes(), 48);
    /// ```
    pub fn n_bytes(&self) -> u64 {
        match self {
            BlockData::Dense(array) => (array.len() * size_of::<T>()) as u64,
            BlockData::Sparse(coo) => coo.n_bytes() as u64,
        }
    }

    /// A view of a dense block; an error for a sparse one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let data = BlockData::from(ndarray::arr1(&[1, 2]).into_dyn());
    /// assert_eq!(data.dense()?[[1]], 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dense(&self) -> Result<ArrayViewD<'_, T>> {
        match self {
            BlockData::Dense(array) => Ok(array.view()),
            BlockData::Sparse(_) => Err(Error::layout("dense", "the block is sparse")
                .with_remedy("take it with `to_dense()`, or match on its layout")),
        }
    }

    /// The sparse block; an error for a dense one.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let data = BlockData::from(ndarray::arr1(&[1, 2]).into_dyn());
    /// assert!(data.sparse().is_err());
    /// ```
    pub fn sparse(&self) -> Result<&Coo<T>> {
        match self {
            BlockData::Sparse(coo) => Ok(coo),
            BlockData::Dense(_) => Err(Error::layout("sparse", "the block is dense")
                .with_remedy("convert it with `Coo::from_dense`, or match on its layout")),
        }
    }

    /// The block with every element stored; shares memory where it is dense already.
    ///
    /// # Errors
    /// A sparse block has more elements than memory can hold.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let data = BlockData::from(Coo::new(&[[1]], vec![5], [3])?);
    /// assert_eq!(data.to_dense()?, ndarray::arr1(&[0, 5, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_dense(&self) -> Result<ArcArray<T, IxDyn>> {
        match self {
            BlockData::Dense(array) => Ok(array.clone()),
            BlockData::Sparse(coo) => Ok(coo.to_dense()?.into_shared()),
        }
    }
}

impl<T: Element> From<ArcArray<T, IxDyn>> for BlockData<T> {
    fn from(array: ArcArray<T, IxDyn>) -> Self {
        BlockData::Dense(array)
    }
}

impl<T: Element> From<ArrayD<T>> for BlockData<T> {
    fn from(array: ArrayD<T>) -> Self {
        BlockData::Dense(array.into_shared())
    }
}

impl<T: Element> From<Coo<T>> for BlockData<T> {
    fn from(coo: Coo<T>) -> Self {
        BlockData::Sparse(coo)
    }
}
