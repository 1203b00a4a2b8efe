//! The service over real HTTP.

mod support;

mod admin;
mod all_stop;
mod approvals;
mod audit;
mod data;
mod described;
mod errors;
mod events;
mod exemptions;
mod junk;
mod keys;
mod metrics;
mod migration;
mod naming;
mod openapi;
mod openid;
mod pages;
mod pages_login;
mod pages_people;
mod places;
mod policy;
mod policy_file;
mod process;
mod prune;
mod reading;
mod rules;
mod servers;
mod settings;
mod stories;
mod tls;
mod waiting;
mod windows;
