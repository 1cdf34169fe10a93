//! Mutable views of a run-time element type.

use ndarray::ArrayViewMutD;

use super::dispatch::for_each_dtype;

/// Wraps and unwraps views; a supertrait of `Element` that users cannot name.
pub trait Viewed: Sized {
    /// The view without its static type.
    fn into_any(view: ArrayViewMutD<'_, Self>) -> AnyViewMut<'_>;

    /// The view, if its elements are of this type.
    fn from_any(view: AnyViewMut<'_>) -> Option<ArrayViewMutD<'_, Self>>;
}

macro_rules! define_view {
    ($(($variant:ident, $t:ty)),*) => {
        /// A mutable view of a dense array of any element type.
        #[derive(Debug)]
        pub enum AnyViewMut<'a> {
            $(
                #[doc = concat!("A view of `", stringify!($variant), "` elements.")]
                $variant(ArrayViewMutD<'a, $t>),
            )*
        }

        $(impl Viewed for $t {
            fn into_any(view: ArrayViewMutD<'_, Self>) -> AnyViewMut<'_> {
                AnyViewMut::$variant(view)
            }

            fn from_any(view: AnyViewMut<'_>) -> Option<ArrayViewMutD<'_, Self>> {
                match view {
                    AnyViewMut::$variant(view) => Some(view),
                    _ => None,
                }
            }
        })*
    };
}
for_each_dtype!(define_view);

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;

    #[test]
    fn views_come_back_with_their_own_type_only() {
        let mut a = ArrayD::<i32>::zeros(vec![2, 3]);
        assert!(u32::from_any(i32::into_any(a.view_mut())).is_none());
        let mut view = i32::from_any(i32::into_any(a.view_mut())).expect("the same type");
        view[[1, 2]] = 7;
        assert_eq!(a[[1, 2]], 7);
    }
}
