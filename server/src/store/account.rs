//! An account of either database.

pub use super::sqlite::Account;

/// Reads from an account: what `$query` finds in `$database`.
macro_rules! read {
    ($account:expr, $database:ident => $query:expr) => {
        $account
            .read(move |$database| $crate::store::sqlite::ready($query))
            .await
    };
}
pub(in crate::store) use read;
