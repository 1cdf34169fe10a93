//! Exceptions: ours for Python to raise, Python's as text.

use bytes::Bytes;

use super::read::{PickleLimits, read_pickle};
use super::tree::{Node, NodeId, Tree};
use super::write::PickleWriter;
use crate::error::{Error, Family};

/// The pickle of a built-in exception that says what the error says.
pub(crate) fn pickle_error(error: &Error) -> Bytes {
    let class = match error.family() {
        Family::Usage => "ValueError",
        Family::Resource if error.is_memory() => "MemoryError",
        Family::Resource => "OSError",
        _ => "RuntimeError",
    };
    let mut writer = PickleWriter::new();
    writer.name("builtins", class);
    writer.text(&error.to_string());
    writer.tuple1();
    writer.call();
    writer.finish()
}

/// What a pickled exception says, such as `ValueError: no such thing`; nothing if the pickle cannot be read.
pub(crate) fn exception_text(pickle: &Bytes) -> Option<String> {
    let tree = read_pickle(pickle, &[], &PickleLimits::default()).ok()?;
    let (class, arguments) = exception(&tree, tree.root())?;
    let (_, class) = tree.name(class)?;
    let arguments = tree.items(arguments)?;
    Some(match arguments {
        [] => class.into_owned(),
        [only] => match tree.text(*only) {
            Some(text) => format!("{class}: {text}"),
            None => format!("{class}: {}", tree.describe(*only)),
        },
        several => {
            let shown: Vec<String> = several.iter().map(|argument| tree.describe(*argument)).collect();
            format!("{class}({})", shown.join(", "))
        }
    })
}

/// The class of an exception and the tuple of its arguments.
///
/// Python processes of a cluster pickle exceptions together with their tracebacks, by one of two functions whose
/// arguments are `(class, {"args": arguments, ..}, ..)` and `(class, arguments, ..)`.
fn exception(tree: &Tree, id: NodeId) -> Option<(NodeId, NodeId)> {
    let Node::Object { callable, arguments, .. } = tree.node(id) else { return None };
    let (module, name) = tree.name(*callable)?;
    if module != "tblib.pickling_support" {
        return Some((*callable, *arguments));
    }
    let [class, described, ..] = *tree.items(*arguments)? else { return None };
    match &*name {
        "unpickle_exception_with_attrs" => Some((class, tree.entry(described, "args")?)),
        _ => Some((class, described)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_read_back() {
        let text = |error: &Error| exception_text(&pickle_error(error)).unwrap();
        assert_eq!(text(&Error::value("pad", "too narrow")), "ValueError: pad: too narrow");
        assert!(text(&Error::memory("run", 9, 8)).starts_with("MemoryError: run: 9 bytes"));
        assert!(text(&Error::task("sum", "(0)", "no")).starts_with("RuntimeError: sum"));
    }

    #[test]
    fn those_of_python_are_read() {
        // pickle.dumps(ValueError("bad thing", 3), 5)
        let plain = b"\x80\x05\x95.\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\nValueError\x94\x93\x94\x8c\tbad thing\x94K\x03\x86\x94R\x94.";
        assert_eq!(exception_text(&Bytes::from_static(plain)).unwrap(), "ValueError(\"bad thing\", 3)");
        // distributed.core.error_message(ZeroDivisionError("division by zero"))["exception"], 2026.8.0 with tblib 3
        let with_traceback = include_bytes!("../../../../tests/data/remote/exception.pickle");
        let text = exception_text(&Bytes::from_static(with_traceback)).unwrap();
        assert_eq!(text, "ZeroDivisionError: division by zero");
    }

    #[test]
    fn what_is_no_exception_has_no_text() {
        for pickle in [&b"\x80\x05N."[..], b"\x80\x05K\x01.", b"", b"\x80\x05"] {
            assert_eq!(exception_text(&Bytes::from_static(pickle)), None);
        }
    }

    #[test]
    fn python_raises_ours() {
        let script = "
import sys, pickle
try:
    raise pickle.load(sys.stdin.buffer)
except ValueError as error:
    print(repr(error))
";
        let pickle = pickle_error(&Error::value("pad", "'ä' is no width"));
        let Some(said) = super::super::testing::python_says(script, &pickle) else { return };
        assert_eq!(said, "ValueError(\"pad: 'ä' is no width\")\n");
    }
}
