//! The parameters of a statement.

use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Params, Result, params_from_iter};
use shared::sql::{Arg, Statement};

/// A statement's parameters, as D1 binds them.
pub fn bound(statement: &Statement) -> impl Params + '_ {
    params_from_iter(statement.args.iter().map(Bound))
}

struct Bound<'a>(&'a Arg);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        match self.0 {
            Arg::Text(text) => text.to_sql(),
            Arg::Int(number) => number.to_sql(),
        }
    }
}
