//! The plain data of a program.

use serde::{Deserialize, Serialize};

use super::value::{Constant, Instr, Value};
use crate::element::DType;
use crate::error::{Error, Result};

/// The plain data of a program: what is compared, hashed and sent.
///
/// The code is in static single assignment form: each instruction names its result by its own place, and uses only
/// results of instructions before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) inputs: Vec<DType>,
    pub(super) constants: Vec<Constant>,
    pub(super) instrs: Vec<Instr>,
    pub(super) outputs: Vec<Value>,
}

impl Code {
    /// The element type of a value; `temps` are those of the results so far.
    pub(super) fn dtype(&self, value: Value, temps: &[DType]) -> DType {
        match value {
            Value::Input(i) => self.inputs[i as usize],
            Value::Constant(i) => self.constants[i as usize].0.dtype(),
            Value::Temp(i) => temps[i as usize],
        }
    }

    /// The element types of all results.
    ///
    /// # Errors
    ///
    /// A value is used that is not there (yet), or has not the type of the operation's loop.
    pub(super) fn check(&self) -> Result<Vec<DType>> {
        let mut temps: Vec<DType> = Vec::with_capacity(self.instrs.len());
        for instr in &self.instrs {
            if !instr.is_canonical() || !instr.args().iter().all(|&arg| self.has(arg, temps.len())) {
                return Err(broken("an instruction uses a value that is not there"));
            }
            let mut dtypes = [DType::Bool; 3];
            for (slot, &arg) in dtypes.iter_mut().zip(instr.args()) {
                *slot = self.dtype(arg, &temps);
            }
            let dtypes = &dtypes[..instr.args().len()];
            let signature = instr.op().signature(dtypes)?;
            if signature.inputs() != dtypes {
                return Err(broken("an instruction is given types that it has no loop for"));
            }
            temps.push(signature.output);
        }
        if !self.outputs.iter().all(|&output| self.has(output, temps.len())) {
            return Err(broken("an output is not there"));
        }
        Ok(temps)
    }

    fn has(&self, value: Value, n_temps: usize) -> bool {
        match value {
            Value::Input(i) => (i as usize) < self.inputs.len(),
            Value::Constant(i) => (i as usize) < self.constants.len(),
            Value::Temp(i) => (i as usize) < n_temps,
        }
    }

    /// The same code, and the element types of its results, without the instructions and constants that no output needs.
    /// Inputs stay.
    pub(super) fn without_dead(self, dtypes: &[DType]) -> (Code, Vec<DType>) {
        let mut live = Live { temps: vec![false; self.instrs.len()], constants: vec![false; self.constants.len()] };
        self.outputs.iter().for_each(|&output| live.mark(output));
        for (i, instr) in self.instrs.iter().enumerate().rev() {
            if live.temps[i] {
                instr.args().iter().for_each(|&arg| live.mark(arg));
            }
        }
        let (temps, constants) = (new_numbers(&live.temps), new_numbers(&live.constants));
        let place = |value: Value| match value {
            Value::Input(i) => Value::Input(i),
            Value::Constant(i) => Value::Constant(constants[i as usize]),
            Value::Temp(i) => Value::Temp(temps[i as usize]),
        };
        let code = Code {
            instrs: kept(&self.instrs, &live.temps).map(|instr| instr.map_args(place)).collect(),
            constants: kept(&self.constants, &live.constants).copied().collect(),
            outputs: self.outputs.iter().copied().map(place).collect(),
            inputs: self.inputs,
        };
        (code, kept(dtypes, &live.temps).copied().collect())
    }
}

fn kept<'a, T>(items: &'a [T], live: &'a [bool]) -> impl Iterator<Item = &'a T> {
    items.iter().zip(live).filter(|(_, live)| **live).map(|(item, _)| item)
}

struct Live {
    temps: Vec<bool>,
    constants: Vec<bool>,
}

impl Live {
    fn mark(&mut self, value: Value) {
        match value {
            Value::Input(_) => {}
            Value::Constant(i) => self.constants[i as usize] = true,
            Value::Temp(i) => self.temps[i as usize] = true,
        }
    }
}

/// The number of each live item among the live ones.
fn new_numbers(live: &[bool]) -> Vec<u32> {
    let numbers = live.iter().scan(0, |next, &live| {
        let own = *next;
        *next += u32::from(live);
        Some(own)
    });
    numbers.collect()
}

fn broken(what: &str) -> Error {
    Error::format("program", what)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::element::{DType, Scalar};
    use crate::kernels::ops::ElemOp;
    use crate::kernels::program::{Program, ProgramBuilder};

    fn scaled(by: f64) -> Program {
        let mut builder = ProgramBuilder::new();
        let (x, by) = (builder.input(DType::F64), builder.constant(by));
        let product = builder.push(ElemOp::Multiply, &[x, by]).unwrap();
        builder.finish(&[product])
    }

    #[test]
    // What a program compiles to is not part of its hash.
    #[allow(clippy::mutable_key_type)]
    fn programs_are_values() {
        let all: HashSet<Program> = [2.0, 2.0, -2.0, 0.0, -0.0, f64::NAN, f64::NAN].map(scaled).into_iter().collect();
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn programs_survive_the_wire() {
        let program = scaled(0.1);
        let text = serde_json::to_string(&program).unwrap();
        let back: Program = serde_json::from_str(&text).unwrap();
        assert_eq!(back, program);
        assert!(back.on_scalars(&[Scalar::F64(3.0)]).unwrap()[0].is_same(Scalar::F64(3.0 * 0.1)));
    }

    #[test]
    fn broken_programs_are_refused() {
        let text = serde_json::to_string(&scaled(0.5)).unwrap();
        let breaks = [
            (r#"{"Input":0}"#, r#"{"Input":1}"#),
            (r#"{"Constant":0}"#, r#"{"Temp":0}"#),
            (r#"{"Temp":0}"#, r#"{"Temp":1}"#),
            (r#""F64":0.5"#, r#""F32":0.5"#),
            (r#""Multiply""#, r#""BitwiseAnd""#),
        ];
        for (good, bad) in breaks {
            assert!(text.contains(good), "{text}");
            assert!(serde_json::from_str::<Program>(&text.replace(good, bad)).is_err(), "{bad}");
        }
    }
}
