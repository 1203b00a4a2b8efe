//! What goes into a statement and comes out of an answer.

use crate::store::StoreError;

/// A parameter, or what is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number, or 1 for what is true.
    Integer(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// A parameter that outlives what it was made of.
#[derive(Debug, Clone)]
pub enum Owned {
    /// Nothing.
    Null,
    /// Bytes.
    Bytes(Vec<u8>),
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
}

impl From<Value<'_>> for Owned {
    fn from(value: Value<'_>) -> Owned {
        match value {
            Value::Null => Owned::Null,
            Value::Integer(number) => Owned::Integer(number),
            Value::Text(text) => Owned::Text(text.to_owned()),
            Value::Bytes(bytes) => Owned::Bytes(bytes.to_owned()),
        }
    }
}

impl Parameter for Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Bytes(bytes) => Value::Bytes(bytes),
            Owned::Integer(number) => Value::Integer(*number),
            Owned::Text(text) => Value::Text(text),
        }
    }
}

/// The parameters of a statement that was put together.
pub fn borrowed(parameters: &[Owned]) -> Vec<&dyn Parameter> {
    let parameters = parameters.iter();
    parameters.map(|one| one as &dyn Parameter).collect()
}

/// A row of an answer.
pub trait Row {
    /// What is in a column, counted from 0.
    fn value(&self, column: usize) -> Result<Value<'_>, StoreError>;

    /// How many columns there are.
    fn width(&self) -> usize;
}

impl dyn Row + '_ {
    /// What is in a column, counted from 0.
    pub fn get<T: Column>(&self, column: usize) -> Result<T, StoreError> {
        let value = self.value(column)?;
        T::of(value)
            .ok_or_else(|| StoreError::Damaged(format!("{value:?} stands in column {column}")))
    }
}

/// What can be read from a column.
pub trait Column: Sized {
    /// What the column says; none if that is something else.
    fn of(value: Value<'_>) -> Option<Self>;
}

impl Column for String {
    fn of(value: Value<'_>) -> Option<String> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn of(value: Value<'_>) -> Option<Vec<u8>> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_owned()),
            _ => None,
        }
    }
}

impl Column for [u8; 32] {
    fn of(value: Value<'_>) -> Option<[u8; 32]> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl Column for bool {
    fn of(value: Value<'_>) -> Option<bool> {
        match value {
            Value::Integer(number) => Some(number != 0),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: Value<'_>) -> Option<Option<T>> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// What can be a parameter.
pub trait Parameter {
    /// What the statement gets.
    fn value(&self) -> Value<'_>;
}

impl Parameter for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Parameter for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Parameter for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Parameter for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Parameter for bool {
    fn value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl<T: Parameter> Parameter for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Parameter::value)
    }
}

impl<T: Parameter + ?Sized> Parameter for &T {
    fn value(&self) -> Value<'_> {
        (*self).value()
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(
            impl Column for $integer {
                fn of(value: Value<'_>) -> Option<$integer> {
                    match value {
                        Value::Integer(number) => number.try_into().ok(),
                        _ => None,
                    }
                }
            }

            impl Parameter for $integer {
                fn value(&self) -> Value<'_> {
                    Value::Integer((*self).into())
                }
            }
        )*
    };
}
integers!(i64, u32, u16, u8);
