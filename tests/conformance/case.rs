//! One case, as it stands in its file.

use std::collections::HashMap;

use serde_json::Value;

use super::inputs::Inputs;

#[derive(Clone)]
/// One case: inputs, what to do with them, and the answer.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) area: String,
    pub(crate) rtol: f64,
    /// Whether the signs of zeros count: sums and extremes may meet them in any order.
    pub(crate) signed_zeros: bool,
    pub(crate) setup: Vec<Value>,
    pub(crate) verdict: Verdict,
    /// The answer that counts, after the verdict is taken into account.
    pub(crate) expected: Value,
    /// The work as data, where it is.
    pub(crate) call: Option<Value>,
}

/// What a result must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The answer.
    Answer,
    /// An error.
    Error,
    /// An error, or the answer.
    AnswerOrError,
}

impl Verdict {
    /// The same, and a refusal is as good.
    pub(crate) fn or_refused(self) -> Verdict {
        match self {
            Verdict::Answer => Verdict::AnswerOrError,
            other => other,
        }
    }
}

impl Case {
    /// The cases of a file, and the answers to those that the reference refuses from another.
    pub(crate) fn read_all(cases: &str, refused: &str) -> Vec<Case> {
        let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
        let id_of = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let answers: HashMap<String, Value> =
            refused.lines().map(parse).map(|line| (id_of(&line), line["answer"].clone())).collect();
        cases.lines().map(parse).map(|line| Case::new(&line, answers.get(&id_of(&line)))).collect()
    }

    fn new(line: &Value, refused: Option<&Value>) -> Case {
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let (verdict, expected) = ruling(line, refused);
        Case {
            id: text("id"),
            area: text("area"),
            rtol: line["rtol"].as_f64().unwrap_or(0.0),
            signed_zeros: !["linalg", "ml"].contains(&line["area"].as_str().unwrap()) && line["zeros"] != "any",
            setup: line["setup"].as_array().unwrap().clone(),
            verdict,
            expected,
            call: line.get("call").cloned(),
        }
    }

    /// The arrays that the work starts from.
    pub(crate) fn inputs(&self) -> Inputs {
        Inputs::new(&self.setup)
    }
}

/// What counts of a line.
fn ruling(line: &Value, refused: Option<&Value>) -> (Verdict, Value) {
    let word = line["verdict"].as_str().unwrap().split([' ', ':']).next().unwrap();
    match word {
        "port" | "policy-not-law" => (Verdict::Answer, line["expected"].clone()),
        "must-error" => (Verdict::Error, Value::Null),
        "peer-refuses" => (Verdict::AnswerOrError, refused.cloned().unwrap_or(Value::Null)),
        "peer-deviates-use-numpy_value" => (Verdict::Answer, line["numpy_value"].clone()),
        "peer-fails-use-true_value" => (Verdict::Answer, line["true_value"].clone()),
        // The notes of the one such case ask for the opposite of what the reference says.
        "peer-wrong" => (Verdict::Answer, negated(&line["expected"])),
        other => panic!("an unknown verdict: {other}"),
    }
}

fn negated(expected: &Value) -> Value {
    let mut negated = expected.clone();
    negated["value"] = Value::Bool(!expected["value"].as_bool().unwrap());
    negated
}
