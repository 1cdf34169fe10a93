//! One block of any element type.

use std::any::Any;

use ndarray::{ArcArray, ArrayD, ArrayViewD, IxDyn};
use serde::{Deserialize, Serialize};

use super::typed::BlockData;
use crate::element::dispatch::for_each_dtype;
use crate::element::{DType, Element, Scalar};
use crate::error::{Error, Result};
use crate::sparse::Coo;

macro_rules! define_block {
    ($(($variant:ident, $t:ty)),*) => {
        /// The data of one chunk: any element type, dense or sparse. Cloning copies a pointer.
        ///
        /// # Examples
        /// ```
        /// use hyperslab::prelude::*;
        /// let block = Block::from_dense(ndarray::arr1(&[1.0f32, 2.0]).into_dyn());
        /// assert_eq!((block.dtype(), block.shape(), block.n_bytes()), (DType::F32, vec![2], 8));
        /// assert!(block.dense::<f64>().is_err());
        /// ```
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum Block {
            $(
                #[doc = concat!("A block of `", stringify!($variant), "` elements.")]
                $variant(BlockData<$t>),
            )*
        }

        impl Block {
            /// The element type.
            ///
            /// # Examples
            /// ```
            /// use hyperslab::prelude::*;
            /// let block = Block::from_dense(ndarray::arr1(&[1i8]).into_dyn());
            /// assert_eq!(block.dtype(), DType::I8);
            /// ```
            pub fn dtype(&self) -> DType {
                match self { $(Block::$variant(_) => DType::$variant,)* }
            }

            fn as_any(&self) -> &dyn Any {
                match self { $(Block::$variant(data) => data,)* }
            }

            fn from_any(dtype: DType, data: &mut dyn Any) -> Option<Block> {
                match dtype {
                    $(DType::$variant => data.downcast_mut::<Option<BlockData<$t>>>()?.take().map(Block::$variant),)*
                }
            }
        }

        /// Evaluates an expression with `data` bound to the typed data of a block and `T` to its element type.
        macro_rules! with_block {
            ($block:expr, $T:ident, $data:ident => $body:expr) => {
                match $block {
                    $($crate::block::Block::$variant($data) => {
                        #[allow(dead_code)]
                        type $T = $t;
                        $body
                    })*
                }
            };
        }
        pub(crate) use with_block;
    };
}
for_each_dtype!(define_block);

impl Block {
    /// A block from typed data.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let coo = Coo::new(&[[1]], vec![5], [3])?;
    /// assert!(Block::new(coo).is_sparse());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn new<T: Element>(data: impl Into<BlockData<T>>) -> Block {
        let mut slot = Some(data.into());
        // `from_any` matches on `T::DTYPE`, whose variant holds exactly `BlockData<T>`.
        Block::from_any(T::DTYPE, &mut slot).expect("the variant of T::DTYPE holds BlockData<T>")
    }

    /// A dense block that owns its elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::from_dense(ndarray::arr1(&[1, 2]).into_dyn());
    /// assert!(!block.is_sparse());
    /// ```
    pub fn from_dense<T: Element>(array: ArrayD<T>) -> Block {
        Block::new(BlockData::from(array))
    }

    /// A 0-d block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// use hyperslab::block::Block;
    /// use hyperslab::element::Scalar;
    /// let block = Block::from_scalar(Scalar::I32(7));
    /// assert_eq!((block.shape(), block.scalar()?), (vec![], Scalar::I32(7)));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn from_scalar(value: Scalar) -> Block {
        crate::element::dispatch::dispatch!(value.dtype(), T => {
            Block::from_dense(ArrayD::from_elem(IxDyn(&[]), T::from_scalar(value)))
        })
    }

    /// The typed data; an error if the element type is another.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::from_dense(ndarray::arr1(&[1, 2]).into_dyn());
    /// assert_eq!(block.typed::<i32>()?.n_elems(), 2);
    /// assert!(block.typed::<i64>().is_err());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn typed<T: Element>(&self) -> Result<&BlockData<T>> {
        self.as_any().downcast_ref().ok_or_else(|| Error::block("block", "dtype", T::DTYPE, self.dtype()))
    }

    /// A view of a dense block of element type `T`.
    ///
    /// # Errors
    /// The block is sparse, or its elements are of another type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::from_dense(ndarray::arr1(&[1, 2]).into_dyn());
    /// assert_eq!(block.dense::<i32>()?[[1]], 2);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn dense<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        self.typed::<T>()?.dense()
    }

    /// The sparse data of a block of element type `T`.
    ///
    /// # Errors
    /// The block is dense, or its elements are of another type.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::new(Coo::new(&[[1]], vec![5], [3])?);
    /// assert_eq!(block.sparse::<i32>()?.nnz(), 1);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn sparse<T: Element>(&self) -> Result<&Coo<T>> {
        self.typed::<T>()?.sparse()
    }

    /// The elements as a dense array of element type `T`; shares memory where the block is dense.
    ///
    /// # Errors
    /// The elements are of another type, or a sparse block has more than memory can hold.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::new(Coo::new(&[[1]], vec![5], [3])?);
    /// assert_eq!(block.to_array::<i32>()?, ndarray::arr1(&[0, 5, 0]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_array<T: Element>(&self) -> Result<ArcArray<T, IxDyn>> {
        self.typed::<T>()?.to_dense()
    }

    /// The same block, dense.
    ///
    /// # Errors
    /// A sparse block has more elements than memory can hold.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// let block = Block::new(Coo::new(&[[1]], vec![5], [3])?);
    /// assert_eq!(block.to_dense()?.dense::<i32>()?[[1]], 5);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn to_dense(&self) -> Result<Block> {
        if !self.is_sparse() {
            return Ok(self.clone());
        }
        with_block!(self, T, data => Ok(Block::new::<T>(data.to_dense()?)))
    }

    /// The lengths along each axis.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Block::from_dense(ndarray::ArrayD::<f64>::zeros(vec![2, 3])).shape(), [2, 3]);
    /// ```
    pub fn shape(&self) -> Vec<usize> {
        with_block!(self, T, data => data.shape())
    }

    /// Whether the block is sparse.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert!(!Block::from_dense(ndarray::ArrayD::<f64>::zeros(vec![2, 3])).is_sparse());
    /// ```
    pub fn is_sparse(&self) -> bool {
        with_block!(self, T, data => data.is_sparse())
    }

    /// The fill value of a sparse block.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::Scalar;
    /// use hyperslab::prelude::*;
    /// let block = Block::new(Coo::new(&[[1]], vec![5], [3])?);
    /// assert_eq!(block.fill(), Some(Scalar::I32(0)));
    /// assert_eq!(block.to_dense()?.fill(), None);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn fill(&self) -> Option<Scalar> {
        with_block!(self, T, data => match data {
            BlockData::Sparse(coo) => Some(coo.fill().to_scalar()),
            BlockData::Dense(_) => None,
        })
    }

    /// The number of elements, stored or not.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Block::new(Coo::new(&[[1]], vec![5], [3])?).n_elems(), 3);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn n_elems(&self) -> u64 {
        with_block!(self, T, data => data.n_elems())
    }

    /// The bytes that hold the elements.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::prelude::*;
    /// assert_eq!(Block::from_dense(ndarray::ArrayD::<f64>::zeros(vec![2, 3])).n_bytes(), 48);
    /// ```
    pub fn n_bytes(&self) -> u64 {
        with_block!(self, T, data => data.n_bytes())
    }

    /// The value of a block with one element.
    ///
    /// # Errors
    /// The block has not exactly one element.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::element::Scalar;
    /// use hyperslab::prelude::*;
    /// let block = Block::from_dense(ndarray::arr1(&[2.5]).into_dyn());
    /// assert_eq!(block.scalar()?, Scalar::F64(2.5));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn scalar(&self) -> Result<Scalar> {
        with_block!(self, T, data => {
            let array = data.to_dense()?;
            match (array.len(), array.first()) {
                (1, Some(value)) => Ok(value.to_scalar()),
                (n, _) => Err(Error::block("scalar", "length", 1, n)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_data_comes_back_and_other_types_are_refused() {
        let block = Block::from_dense(ArrayD::from_elem(IxDyn(&[2, 3]), 1.5f32));
        assert_eq!((block.dtype(), block.shape(), block.n_bytes()), (DType::F32, vec![2, 3], 24));
        assert_eq!(block.dense::<f32>().unwrap()[[1, 2]], 1.5);
        assert!(block.dense::<f64>().unwrap_err().to_string().contains("float32 where float64"));
        assert!(Block::from_scalar(Scalar::I8(-3)).scalar().unwrap().is_same(Scalar::I8(-3)));
    }

    #[test]
    fn sparse_blocks_densify() {
        let coo = Coo::from_dense(&ndarray::arr2(&[[0, 5], [0, 0]]).into_dyn().view()).unwrap();
        let block = Block::new(coo);
        assert!(block.is_sparse() && block.fill().is_some_and(|fill| fill.is_same(Scalar::I32(0))));
        assert_eq!(block.to_dense().unwrap().dense::<i32>().unwrap()[[0, 1]], 5);
        assert!(block.dense::<i32>().unwrap_err().to_string().contains("the block is sparse"));
    }
}
