//! The service over real HTTP.

mod support;

mod approvals;
mod audit;
mod errors;
mod events;
mod exemptions;
mod junk;
mod keys;
mod migration;
mod naming;
mod openapi;
mod places;
mod policy;
mod process;
mod reading;
mod rules;
mod stories;
mod waiting;
mod windows;
