//! Values' types as Go names them in errors.

use crate::object::Value;

/// What Go calls a JSON value's type, where it is printed by `%s`.
pub(super) fn go_type(value: &Value) -> &'static str {
    if value.is_null() { "%!s(<nil>)" } else { crate::apply::go_format::go_type(value) }
}
