//! Every operation of the op table as a method of sparse arrays.

use super::evaluate::{broadcast, evaluate};
use crate::block::Block;
use crate::element::dispatch::dispatch;
use crate::element::{Bits, DType, Element, Int, Number, Real};
use crate::error::{Error, Result};
use crate::kernels::ops::{ElemOp, for_each_elementwise, with_bounds};
use crate::kernels::program::Program;
use crate::sparse::{Beside, Coo, CooOperand};

/// The result of one operation, as a sparse block of its element type.
pub(crate) fn apply(op: ElemOp, blocks: &[Block]) -> Result<Block> {
    let dtypes: Vec<DType> = blocks.iter().map(Block::dtype).collect();
    let program = Program::single(op, &dtypes)?;
    let shape = broadcast(op.name(), blocks)?;
    dispatch!(program.output_dtypes()[0], V => evaluate::<V>(&program, blocks, &shape).map(Block::new::<V>))
}

fn block_of<T: Element>(operand: impl CooOperand<T>) -> Block {
    match operand.into_beside() {
        Beside::Sparse(coo) => Block::new(coo),
        Beside::Dense(array) => Block::from_dense(array),
    }
}

/// The result of one operation whose element type is known to be `V`.
fn apply_typed<V: Element>(op: ElemOp, blocks: &[Block]) -> Result<Coo<V>> {
    Ok(apply(op, blocks)?.sparse::<V>()?.clone())
}

impl<T: Element> Coo<T> {
    /// The elements converted to another type, as NumPy's `astype`: integers wrap, floats truncate and saturate.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[1]], vec![2.75], [3])?.astype::<i32>();
    /// assert_eq!((a.values(), a.fill()), (&[2][..], 0));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn astype<U: Element>(&self) -> Coo<U> {
        self.map(|value| U::from_scalar(value.to_scalar()))
    }

    /// The elements of `yes` where a condition is true, those of `no` elsewhere (NumPy's `where`).
    ///
    /// # Errors
    /// The shapes do not broadcast, or a dense operand gives a dense result.
    ///
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 2]], vec![5.0, -6.0], [4])?;
    /// assert_eq!(Coo::where_(&a.greater(0.0)?, &a, 0.0)?, Coo::new(&[[0]], vec![5.0], [4])?);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    #[doc(alias = "where")]
    pub fn where_(condition: &Coo<bool>, yes: impl CooOperand<T>, no: impl CooOperand<T>) -> Result<Coo<T>> {
        apply_typed(ElemOp::Select, &[Block::new(condition.clone()), block_of(yes), block_of(no)])
    }
}

/// Makes the methods of sparse arrays from the rows of the op table.
macro_rules! define_methods {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:ident $args:tt [$($alias:literal),*]
        $domain:ident -> $result:ident { $($class:ident $level:ident: $value:expr;)+ })+) => {
        $(with_bounds! { method $domain $result [$(#[doc = $doc])+ $(#[doc(alias = $alias)])*] $variant $name $args })+
    };
}

/// The method for a row. The choice by a condition is [`Coo::where_`].
macro_rules! method {
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident)) => {
        impl<T: $bound> Coo<T> {
            $($doc)*
            pub fn $name(&self) -> Coo<$out> {
                // The bound on `T` admits exactly the types that the operation has loops for.
                apply_typed(ElemOp::$variant, &[block_of(self)]).unwrap_or_else(|error| unreachable!("{error}"))
            }
        }
    };
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident)) => {
        impl<T: $bound> Coo<T> {
            $($doc)*
            ///
            /// The other operand is a value or an array that broadcasts: see [`CooOperand`].
            ///
            /// # Errors
            /// The shapes do not broadcast, or a dense operand gives a dense result.
            pub fn $name(&self, other: impl CooOperand<T>) -> Result<Coo<$out>> {
                apply_typed(ElemOp::$variant, &[block_of(self), block_of(other)])
            }
        }
    };
    ($bound:ident ($out:ty) [$($doc:tt)*] $variant:ident $name:ident ($x:ident, $y:ident, $z:ident)) => {
        impl<T: $bound> Coo<T> {
            $($doc)*
            ///
            /// The other operands are values or arrays that broadcast: see [`CooOperand`].
            ///
            /// # Errors
            /// The shapes do not broadcast, or a dense operand gives a dense result.
            pub fn $name(&self, second: impl CooOperand<T>, third: impl CooOperand<T>) -> Result<Coo<$out>> {
                apply_typed(ElemOp::$variant, &[block_of(self), block_of(second), block_of(third)])
            }
        }
    };
}

for_each_elementwise!(define_methods);

/// What two sparse arrays of one shape give, without the detour over a program; other operands go through the method.
fn merged<T: Element>(
    lhs: &Coo<T>,
    rhs: Beside<T>,
    f: impl Fn(T, T) -> T + Sync,
    method: impl Fn(&Coo<T>, Beside<T>) -> Result<Coo<T>>,
) -> Result<Coo<T>> {
    match rhs {
        Beside::Sparse(rhs) if lhs.shape() == rhs.shape() => lhs.zip_with(&rhs, f),
        rhs => method(lhs, rhs),
    }
}

macro_rules! operators {
    ($($bound:ident $trait:ident $operator:ident $method:ident -> $out:ty $(, $merge:expr)?;)*) => {$(
        impl<T: $bound, R: CooOperand<T>> std::ops::$trait<R> for &Coo<T> {
            type Output = Coo<$out>;

            #[doc = concat!("See [`Coo::", stringify!($method), "`].")]
            ///
            /// # Panics
            /// The shapes do not broadcast, or a dense operand gives a dense result.
            #[track_caller]
            fn $operator(self, other: R) -> Self::Output {
                let result = operate!(self, other, $method $(, $merge)?);
                result.unwrap_or_else(|error: Error| panic!("{error}"))
            }
        }

        impl<T: $bound, R: CooOperand<T>> std::ops::$trait<R> for Coo<T> {
            type Output = Coo<$out>;

            #[track_caller]
            fn $operator(self, other: R) -> Self::Output {
                std::ops::$trait::$operator(&self, other)
            }
        }
    )*};
}

macro_rules! operate {
    ($lhs:expr, $rhs:expr, $method:ident) => {
        $lhs.$method($rhs)
    };
    ($lhs:expr, $rhs:expr, $method:ident, $merge:expr) => {
        merged($lhs, $rhs.into_beside(), $merge, |lhs, rhs| lhs.$method(rhs))
    };
}

operators! {
    Element Add add add -> T, T::plus;
    Number Sub sub subtract -> T;
    Element Mul mul multiply -> T, T::times;
    Element Div div divide -> T::Mean;
    Real Rem rem remainder -> T::Widened;
    Bits BitAnd bitand bitwise_and -> T;
    Bits BitOr bitor bitwise_or -> T;
    Bits BitXor bitxor bitwise_xor -> T;
}

impl<T: Number> std::ops::Neg for &Coo<T> {
    type Output = Coo<T>;

    fn neg(self) -> Coo<T> {
        self.negative()
    }
}

impl<T: Bits> std::ops::Not for &Coo<T> {
    type Output = Coo<T>;

    fn not(self) -> Coo<T> {
        self.invert()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::element::C64;
    use crate::kernels::program::{Operand, OutputMut};
    use crate::sparse::testing::{Drawn, dense_with_fill, same, shapes};

    /// The operation on dense arrays of one shape.
    fn on_dense<V: Element>(op: ElemOp, arrays: &[Block], shape: &[usize]) -> Option<ArrayD<V>> {
        let dtypes: Vec<DType> = arrays.iter().map(Block::dtype).collect();
        let program = Program::single(op, &dtypes).ok()?;
        let mut out = ArrayD::from_elem(shape, V::zero());
        let operands = arrays
            .iter()
            .map(|block| crate::block::with_block!(block, T, data => Operand::new(&data.dense().unwrap())));
        program.evaluate(&operands.collect::<Vec<_>>(), shape, &mut [OutputMut::new(out.view_mut())]).ok()?;
        Some(out)
    }

    /// All operations of up to three operands of one type, against the dense result.
    fn check_all<T: Drawn>(dense: [&ArrayD<T>; 3], fills: [T; 3]) {
        let sparse: Vec<Coo<T>> =
            dense.iter().zip(fills).map(|(a, fill)| Coo::from_dense_with_fill(&a.view(), fill).unwrap()).collect();
        let shape = dense[0].shape().to_vec();
        for &op in ElemOp::ALL {
            let n = op.arity();
            if Program::single(op, &vec![T::DTYPE; n]).is_err() {
                continue;
            }
            let blocks: Vec<Block> = sparse[..n].iter().map(|coo| Block::new(coo.clone())).collect();
            let arrays: Vec<Block> = dense[..n].iter().map(|&a| Block::from_dense(a.clone())).collect();
            let dtype = Program::single(op, &vec![T::DTYPE; n]).unwrap().output_dtypes()[0];
            dispatch!(dtype, V => {
                match (apply(op, &blocks), on_dense::<V>(op, &arrays, &shape)) {
                    (Ok(found), Some(expected)) => {
                        let found = found.sparse::<V>().unwrap();
                        assert!(same(&found.to_dense().unwrap(), &expected), "{} {found} {expected}", op.name());
                        assert_eq!(found, &found.prune());
                    }
                    // A power that no integer has: the fills may meet where no elements do.
                    (Err(error), _) => assert_eq!(op, ElemOp::Power, "{error}"),
                    (Ok(_), None) => panic!("{} fails on dense arrays only", op.name()),
                }
            });
        }
    }

    fn triples<T: Drawn>(fills: [T; 3]) -> impl Strategy<Value = [ArrayD<T>; 3]> {
        shapes().prop_flat_map(move |shape| {
            [
                dense_with_fill(shape.clone(), fills[0]),
                dense_with_fill(shape.clone(), fills[1]),
                dense_with_fill(shape, fills[2]),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn operations_are_those_of_dense_arrays(
            ints in triples([0i64, 1, 2]), zeros in triples([0i64; 3]), floats in triples([0.0; 3]),
            odd in triples([f64::NAN, 1.0, -0.0]), complex in triples([C64::new(0.0, 0.0); 3]), truth in triples([false, true, false]),
        ) {
            check_all(ints.each_ref(), [0, 1, 2]);
            check_all(zeros.each_ref(), [0; 3]);
            check_all(floats.each_ref(), [0.0; 3]);
            check_all(odd.each_ref(), [f64::NAN, 1.0, -0.0]);
            check_all(complex.each_ref(), [C64::new(0.0, 0.0); 3]);
            check_all(truth.each_ref(), [false, true, false]);
        }

        #[test]
        fn operands_broadcast(
            (a, b) in shapes().prop_flat_map(|shape| {
                let n = shape.len();
                (Just(shape), prop::collection::vec(any::<[bool; 2]>(), n)).prop_flat_map(|(shape, ones)| {
                    let cut = |side: usize| -> Vec<usize> {
                        shape.iter().zip(&ones).map(|(&len, one)| if one[side] { 1 } else { len }).collect()
                    };
                    let (a, b) = (cut(0), cut(1));
                    (dense_with_fill(a, 0.0), dense_with_fill(b, 0.0))
                })
            }),
        ) {
            let to = broadcast("add", &[Block::from_dense(a.clone()), Block::from_dense(b.clone())]).unwrap();
            let to: Vec<usize> = to.iter().map(|&len| len as usize).collect();
            let (wide_a, wide_b) = (a.broadcast(to.as_slice()).unwrap(), b.broadcast(to.as_slice()).unwrap());
            let (x, y) = (Coo::from_dense(&a.view()).unwrap(), Coo::from_dense(&b.view()).unwrap());
            let both = |f: fn(f64, f64) -> f64| ndarray::Zip::from(wide_a.view()).and(wide_b.view()).map_collect(|&x, &y| f(x, y));
            prop_assert!(same(&(&x * &y).to_dense().unwrap(), &both(|x, y| x * y)));
            prop_assert!(same(&(&x + &y).to_dense().unwrap(), &both(|x, y| x + y)));
            let larger = both(|x, y| if x > y || x.is_nan() { x } else { y });
            let found = x.maximum(&y).unwrap().to_dense().unwrap();
            prop_assert!(found.iter().zip(&larger).all(|(x, y)| x == y || (x.is_nan() && y.is_nan())));
            match x.multiply(&b) {
                Ok(product) => prop_assert!(same(&product.to_dense().unwrap(), &both(|x, y| x * y))),
                // NaN, infinities and negative numbers: 0 times those is not 0.
                Err(error) => prop_assert!(error.is_usage() && b.iter().any(|y| !(0.0 * y).is_same(0.0)), "{error}"),
            }
        }
    }

    #[test]
    fn scalars_shift_the_fill() {
        let a = Coo::new(&[[1]], vec![2i64], [3]).unwrap();
        let b = a.add(1).unwrap();
        assert_eq!((b.fill(), b.values()), (1, &[3][..]));
        let c = a.power(0).unwrap();
        assert_eq!((c.fill(), c.nnz()), (1, 0));
        assert!((&a / 0).fill().is_nan());
        assert!(!a.greater(1).unwrap().fill() && a.less(1).unwrap().fill());
        assert_eq!((!&a.greater(1).unwrap()).nnz(), 1);
        assert_eq!((-&a).values(), [-2]);
    }

    #[test]
    fn a_shape_beyond_64_bits_is_no_matter() {
        let n = 1u64 << 41;
        let a = Coo::new(&[[0, n - 1], [5, n - 1]], vec![1, 2], [n, n]).unwrap();
        let row = Coo::new(&[[n - 1, 3]], vec![10, 20], [n]).unwrap();
        assert_eq!((&a + &a).values(), [2, 4]);
        assert_eq!((&a * &row).values(), [20]);
        assert_eq!(a.equal(&a).unwrap().nnz(), 0);
    }
}
