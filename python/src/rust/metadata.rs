//! `extra_metadata` from Python values, with every number as it is written.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use versioner::MAX_METADATA_BYTES;

use crate::failure::invalid_argument;
use crate::value;

/// As deep as the core reads JSON.
const MAX_DEPTH: usize = 127;

/// Where to stop writing: the text is refused anyway, and lists that hold each other many times
/// would fill the memory.
const ENOUGH_BYTES: usize = 16 * MAX_METADATA_BYTES;

/// The JSON text of a mapping, or a text as it is, which the core judges.
pub fn text(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        return value::text(name, value);
    }
    let py = value.py();
    if value.cast::<PyMapping>().is_err() {
        let found = value::type_name(value);
        let message =
            format!("{name} must be a mapping or the text of a JSON object, but is {found}");
        return Err(invalid_argument(py, name, message));
    }
    let mut writer = Writer::default();
    match writer.write(value, 0) {
        Ok(()) => Ok(String::from_utf8(writer.json)?),
        Err(Stop::Raised(error)) => Err(error),
        Err(Stop::Bad { mut path, message }) => {
            path.reverse();
            let path = path.concat();
            Err(invalid_argument(
                py,
                name,
                format!("{name}{path} {message}"),
            ))
        }
    }
}

enum Stop {
    /// A value that JSON does not have; the path is told from the inside out.
    Bad { path: Vec<String>, message: String },
    /// An exception of a method of the caller's own types.
    Raised(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Stop::Raised(error)
    }
}

impl Stop {
    fn bad(message: impl Into<String>) -> Self {
        Stop::Bad {
            path: Vec::new(),
            message: message.into(),
        }
    }

    fn within(mut self, step: String) -> Self {
        // Deep enough to find the place; a cycle would tell it a hundred times over.
        const MAX_STEPS: usize = 8;
        if let Stop::Bad { path, .. } = &mut self {
            match path.len() {
                MAX_STEPS.. => {
                    path[MAX_STEPS - 1] = "…".to_owned();
                }
                _ => path.push(step),
            }
        }
        self
    }
}

#[derive(Default)]
struct Writer {
    json: Vec<u8>,
}

impl Writer {
    fn write(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Stop> {
        if self.json.len() > ENOUGH_BYTES {
            return Err(Self::too_long());
        }
        if value.is_none() {
            self.json.extend_from_slice(b"null");
        } else if let Ok(flag) = value.cast::<PyBool>() {
            self.write_json(&flag.is_true())?;
        } else if let Ok(string) = value.cast::<PyString>() {
            self.string(string)?;
        } else if value.is_instance_of::<PyInt>() {
            self.int(value)?;
        } else if let Ok(float) = value.cast::<PyFloat>() {
            self.float(float.value())?;
        } else if depth == MAX_DEPTH {
            return Err(Stop::bad(format!(
                "is nested more than {MAX_DEPTH} levels deep, or holds itself"
            )));
        } else if let Ok(mapping) = value.cast::<PyMapping>() {
            self.object(mapping, depth + 1)?;
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            self.array(value, depth + 1)?;
        } else {
            self.decimal(value)?;
        }
        Ok(())
    }

    fn object(&mut self, mapping: &Bound<'_, PyMapping>, depth: usize) -> Result<(), Stop> {
        self.json.push(b'{');
        for (position, entry) in mapping.items()?.iter().enumerate() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
            if position > 0 {
                self.json.push(b',');
            }
            let Ok(name) = key.cast::<PyString>() else {
                let found = value::type_name(&key);
                return Err(Stop::bad(format!(
                    "must have keys of type str, but one is {found}"
                )));
            };
            self.string(name)?;
            self.json.push(b':');
            self.write(&value, depth)
                .map_err(|stop| stop.within(format!("[{name:?}]")))?;
        }
        self.json.push(b'}');
        Ok(())
    }

    fn array(&mut self, list: &Bound<'_, PyAny>, depth: usize) -> Result<(), Stop> {
        self.json.push(b'[');
        for (position, item) in list.try_iter()?.enumerate() {
            if position > 0 {
                self.json.push(b',');
            }
            self.write(&item?, depth)
                .map_err(|stop| stop.within(format!("[{position}]")))?;
        }
        self.json.push(b']');
        Ok(())
    }

    fn string(&mut self, string: &Bound<'_, PyString>) -> Result<(), Stop> {
        let text = string
            .to_cow()
            .map_err(|_| Stop::bad("holds a lone surrogate, which no UTF-8 text can: remove it"))?;
        self.write_json(&*text)
    }

    fn int(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Stop> {
        if let Ok(number) = value.extract::<i64>() {
            return self.write_json(&number);
        }
        let bits: usize = value
            .call_method0(intern!(value.py(), "bit_length"))?
            .extract()?;
        // Ten bits are three digits and a little more.
        if bits / 10 * 3 > ENOUGH_BYTES {
            return Err(Self::too_long());
        }
        // `int` writes at most 4,300 digits, `Decimal` as many as there are, and both the number
        // where a subclass would write a name.
        let decimal = value.py().import("decimal")?.getattr("Decimal")?;
        let digits: String = decimal.call1((value,))?.str()?.extract()?;
        self.json.extend_from_slice(digits.as_bytes());
        Ok(())
    }

    fn float(&mut self, number: f64) -> Result<(), Stop> {
        if !number.is_finite() {
            return Err(Stop::bad(format!("is {number}, which JSON does not have")));
        }
        self.write_json(&number)
    }

    /// The only number beside `int` and `float` that JSON has exactly.
    fn decimal(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Stop> {
        let decimal = value.py().import("decimal")?.getattr("Decimal")?;
        if !value.is_instance(&decimal)? {
            let found = value::type_name(value);
            return Err(Stop::bad(format!(
                "has no form in JSON, because it is {found}"
            )));
        }
        let digits: String = decimal.call_method1("__str__", (value,))?.extract()?;
        if !decimal.call_method1("is_finite", (value,))?.is_truthy()? {
            return Err(Stop::bad(format!("is {digits}, which JSON does not have")));
        }
        self.json.extend_from_slice(digits.as_bytes());
        Ok(())
    }

    fn too_long() -> Stop {
        Stop::bad(format!(
            "is more than {ENOUGH_BYTES} bytes long as JSON, and at most {MAX_METADATA_BYTES} \
             bytes are allowed"
        ))
    }

    fn write_json(&mut self, value: &(impl serde::Serialize + ?Sized)) -> Result<(), Stop> {
        serde_json::to_writer(&mut self.json, value).map_err(|error| Stop::bad(error.to_string()))
    }
}
