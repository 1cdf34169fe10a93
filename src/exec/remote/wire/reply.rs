//! Errors in answers, both ways.

use std::fmt;

use super::limits::Limits;
use super::value::Value;
use crate::error::{Error, Result};
use crate::exec::remote::pickle::{exception_text, pickle_error};

/// Passes an answer on, or turns it into an error if the other side says that it failed.
pub(crate) fn check_reply(op: &str, peer: impl fmt::Display, reply: Value) -> Result<Value> {
    match reply.get("status").and_then(Value::as_text) {
        Some("uncaught-error" | "error") => Err(Error::remote_reply(op, peer, &reply_text(&reply))),
        _ => Ok(reply),
    }
}

/// What a failed answer says, from the field that says it best.
fn reply_text(reply: &Value) -> String {
    let text = |name| reply.get(name).and_then(Value::as_text).filter(|text| !text.is_empty()).map(str::to_owned);
    text("exception_text")
        .or_else(|| text("message"))
        .or_else(|| reply.get("exception").and_then(thrown_text))
        .unwrap_or_else(|| format!("{reply:?}"))
}

/// The text of an exception as messages carry it: a pickle, plain or out-of-band, or a text.
pub(crate) fn thrown_text(exception: &Value) -> Option<String> {
    match exception {
        Value::Text(text) => Some(text.clone()),
        Value::Bytes(pickle) => exception_text(pickle),
        Value::Pickled(value) => exception_text(&value.pickle),
        Value::Serialized(value) => exception_text(&value.to_bytes(&Limits::default()).ok()?),
        _ => None,
    }
}

/// The answer to a request that failed here.
pub(crate) fn error_reply(error: &Error) -> Value {
    Value::map([
        ("status", "uncaught-error".into()),
        ("exception", pickle_error(error).into()),
        ("traceback", Value::Nil),
        ("exception_text", error.to_string().into()),
        ("traceback_text", "".into()),
    ])
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Serialized, decode_message, frame::split_message};
    use super::*;

    #[test]
    fn an_answer_of_the_reference_becomes_an_error() {
        // What a server answers to {"op": "echo", "nonsense": 1}, distributed 2026.8.0.
        let message = include_bytes!("../../../../tests/data/remote/error_reply.message");
        let frames = split_message(&Bytes::from_static(message), &Limits::default()).unwrap();
        let mut reply = decode_message(&frames, &Limits::default()).unwrap();
        let error = check_reply("echo", "tcp://127.0.0.1:1", reply.clone()).unwrap_err();
        assert!(error.is_remote());
        assert!(error.to_string().contains("unexpected keyword argument 'nonsense'"), "{error}");
        reply.take("exception_text");
        let error = check_reply("echo", "tcp://127.0.0.1:1", reply).unwrap_err();
        assert!(error.to_string().contains("TypeError: Server.echo() got an unexpected"), "{error}");
    }

    #[test]
    fn our_answers_are_understood() {
        let reply = error_reply(&Error::value("run", "the operation is not offered"));
        let error = check_reply("run", "tcp://[::1]:2", reply.clone()).unwrap_err().to_string();
        assert_eq!(error, "run: tcp://[::1]:2 answered with an error: run: the operation is not offered");
        let exception = reply.get("exception").unwrap();
        assert_eq!(thrown_text(exception).unwrap(), "ValueError: run: the operation is not offered");
        let Value::Bytes(pickle) = exception.clone() else { panic!() };
        let forwarded = Value::Serialized(Box::new(Serialized::of_bytes(pickle, None)));
        assert_eq!(thrown_text(&forwarded), thrown_text(exception));
    }

    #[test]
    fn other_answers_pass() {
        for reply in [Value::Nil, "OK".into(), Value::map([("status", "busy".into())])] {
            assert_eq!(check_reply("get_data", "x", reply.clone()).unwrap(), reply);
        }
        let refused = Value::map([("status", "error".into()), ("message", "name taken, 3".into())]);
        assert!(check_reply("register-worker", "x", refused).unwrap_err().to_string().ends_with("name taken, 3"));
    }
}
