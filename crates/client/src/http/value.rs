//! JSON of answers, and canonical values.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lian_core::{hash::Digest, json};
use serde_json::Value;

use super::error::{Error, bad_answer};

/// The same value in the one spelling; none for what has no such spelling (floats).
pub fn canonical(value: &Value) -> Option<json::Value<'static>> {
    Some(match value {
        Value::Null => json::Value::Null,
        Value::Bool(truth) => json::Value::Bool(*truth),
        Value::Number(number) => json::Value::Int(number.as_i64()?),
        Value::String(text) => json::Value::text(text.clone()),
        Value::Array(items) => json::Value::List(items.iter().map(canonical).collect::<Option<_>>()?),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| Some((name.clone(), canonical(value)?)));
            json::Value::object(members.collect::<Option<Vec<_>>>()?)
        }
    })
}

pub fn number(value: &Value, name: &str) -> Result<u64, Error> {
    value[name].as_u64().ok_or_else(|| bad_answer(format!("{name} is no number")))
}

pub fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, Error> {
    value[name].as_str().ok_or_else(|| bad_answer(format!("{name} is no text")))
}

pub fn digest(value: &Value, name: &str) -> Result<Digest, Error> {
    Digest::from_hex(text(value, name)?).ok_or_else(|| bad_answer(format!("{name} is no hash")))
}

pub fn base64(value: &Value, name: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text(value, name)?).map_err(|_| bad_answer(format!("{name} is no base64")))
}

/// A part of a path, escaped.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}
