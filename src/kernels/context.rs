//! What a kernel may use beyond its inputs.

use std::fmt;

use ndarray::ArrayViewMutD;

use super::operands::scratch;
use crate::block::{Block, BufferPool, Value};
use crate::element::Element;
use crate::element::any_view::AnyViewMut;
use crate::error::{Error, Result, Shown};

/// The memory where the result of one task is wanted in the end.
pub(crate) trait Destination: Sync {
    /// Calls `write` with the memory, once; nothing when it has been written to.
    fn write(&self, write: &mut dyn FnMut(AnyViewMut<'_>) -> Result<()>) -> Option<Result<()>>;
}

/// The surroundings of one kernel call.
#[derive(Clone, Copy)]
pub(crate) struct KernelContext<'a> {
    /// Where the memory of results comes from and the memory of used-up inputs goes to.
    pub(crate) pool: &'a BufferPool,
    destination: Option<&'a dyn Destination>,
}

impl<'a> KernelContext<'a> {
    pub(crate) fn new(pool: &'a BufferPool) -> Self {
        Self { pool, destination: None }
    }

    /// A dense result that nobody else reads may be written to `destination` at once.
    pub(crate) fn with_destination(self, destination: &'a dyn Destination) -> Self {
        Self { destination: Some(destination), ..self }
    }

    /// The same surroundings for a step on the way to the result.
    pub(crate) fn for_intermediate(self) -> Self {
        Self { destination: None, ..self }
    }

    /// Gives back the memory of inputs that are used up, where nobody else holds them.
    pub(crate) fn recycle(&self, blocks: impl IntoIterator<Item = Block>) {
        blocks.into_iter().for_each(|block| self.pool.give_block(block));
    }

    /// The dense result of a task, of which `write` sets every element: where it is wanted, or in memory from the pool.
    pub(crate) fn dense_result<T: Element>(
        &self,
        shape: &[usize],
        mut write: impl FnMut(ArrayViewMutD<'_, T>) -> Result<()>,
    ) -> Result<Value> {
        if let Some(destination) = self.destination {
            let mut write_there = |any: AnyViewMut<'_>| write(checked::<T>(any, shape)?);
            if let Some(written) = destination.write(&mut write_there) {
                return written.map(|()| Value::Placed);
            }
        }
        let mut result = scratch::<T>(shape, self)?;
        write(result.view_mut())?;
        Ok(Value::Block(Block::new::<T>(result.into_shared())))
    }
}

/// A destination as a view of the promised type and shape.
fn checked<'v, T: Element>(any: AnyViewMut<'v>, shape: &[usize]) -> Result<ArrayViewMutD<'v, T>> {
    let view = T::from_any(any).ok_or_else(|| Error::bug("compute", "a result of another type was promised"))?;
    if view.shape() != shape {
        return Err(Error::block("compute", "shape", Shown(view.shape()), Shown(shape)));
    }
    Ok(view)
}

impl fmt::Debug for KernelContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KernelContext").field("has_destination", &self.destination.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ndarray::ArrayD;

    use super::*;
    use crate::element::any_view::Viewed;

    struct Slot<'a>(Mutex<Option<AnyViewMut<'a>>>);

    impl Destination for Slot<'_> {
        fn write(&self, write: &mut dyn FnMut(AnyViewMut<'_>) -> Result<()>) -> Option<Result<()>> {
            let view = self.0.lock().unwrap().take();
            view.map(write)
        }
    }

    #[test]
    fn results_are_written_where_they_are_wanted_once() {
        let pool = BufferPool::new(1 << 20);
        let mut wanted = ArrayD::<i32>::zeros(vec![2, 2]);
        let slot = Slot(Mutex::new(Some(i32::into_any(wanted.view_mut()))));
        let ctx = KernelContext::new(&pool).with_destination(&slot);
        let fill = |mut view: ArrayViewMutD<'_, i32>| {
            view.fill(3);
            Ok(())
        };
        let first = ctx.for_intermediate().dense_result::<i32>(&[2, 2], fill).unwrap();
        assert_eq!(first.block().unwrap().dense::<i32>().unwrap().sum(), 12);
        assert!(matches!(ctx.dense_result::<i32>(&[2, 2], fill).unwrap(), Value::Placed));
        assert!(matches!(ctx.dense_result::<i32>(&[2, 2], fill).unwrap(), Value::Block(_)));
        drop(slot);
        assert_eq!(wanted.sum(), 12);
    }

    #[test]
    fn another_shape_or_type_than_promised_is_an_error() {
        let pool = BufferPool::new(1 << 20);
        for shape in [[2, 3], [3, 2]] {
            let mut wanted = ArrayD::<i32>::zeros(vec![2, 3]);
            let slot = Slot(Mutex::new(Some(i32::into_any(wanted.view_mut()))));
            let ctx = KernelContext::new(&pool).with_destination(&slot);
            let is_fine = shape == [2, 3];
            assert_eq!(ctx.dense_result::<i32>(&shape, |_| Ok(())).is_ok(), is_fine);
        }
        let mut wanted = ArrayD::<i32>::zeros(vec![2]);
        let slot = Slot(Mutex::new(Some(i32::into_any(wanted.view_mut()))));
        let ctx = KernelContext::new(&pool).with_destination(&slot);
        assert!(ctx.dense_result::<u32>(&[2], |_| Ok(())).is_err());
    }
}
