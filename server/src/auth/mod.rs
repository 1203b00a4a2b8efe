//! Who asks, and what they may do.

pub mod address;
pub mod browsers;
pub mod hooks;
pub mod keys;
pub mod openid;
pub mod passwords;
pub mod principal;
pub mod rate;
pub mod throttle;
pub mod tokens;
