//! Random values for the tests.

use proptest::prelude::*;

use super::value::Value;

/// Values without those that need a stand-in.
pub(super) fn plain_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i8>().prop_map(|n| Value::Int(n.into())),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::Float),
        ".{0,40}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    leaf.prop_recursive(4, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec((inner.clone(), inner), 0..18).prop_map(Value::Map),
        ]
    })
}
