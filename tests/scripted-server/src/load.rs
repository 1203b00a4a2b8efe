//! Reads the case files and refuses what the schema does not allow.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::Case;

/// Why the vectors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or the folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not JSON.
    #[error("{} is not JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The schema is itself wrong.
    #[error("schema.json is not a valid schema: {0}")]
    Schema(String),
    /// A case does not follow the schema.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The place in the file and the reason.
        message: String,
    },
}

/// Every case of the folder by its name, `file/case`, not yet filled in for a run.
///
/// # Errors
/// When a file cannot be read, is not JSON, breaks `schema.json`, or names a case twice.
pub fn load(vectors: &Path) -> Result<BTreeMap<String, Value>, LoadError> {
    let schema = read(&vectors.join("schema.json"))?;
    let validator =
        jsonschema::validator_for(&schema).map_err(|error| LoadError::Schema(error.to_string()))?;
    let mut cases = BTreeMap::new();
    for path in case_files(vectors)? {
        let file = read(&path)?;
        let invalid = |message: String| LoadError::Invalid {
            path: path.clone(),
            message,
        };
        if let Some(error) = validator.iter_errors(&file).next() {
            return Err(invalid(format!("at {}: {error}", error.instance_path())));
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        for case in file["cases"].as_array().into_iter().flatten() {
            let parsed = Case::parse(case)
                .map_err(|error| invalid(format!("in {}: {error}", case["name"])))?;
            let name = format!("{stem}/{}", parsed.name);
            if cases.insert(name.clone(), case.clone()).is_some() {
                return Err(invalid(format!("two cases are called {name}")));
            }
        }
    }
    Ok(cases)
}

fn case_files(vectors: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Read {
        path: vectors.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(vectors).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        if is_json && path.file_name().is_some_and(|name| name != "schema.json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Value, LoadError> {
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| LoadError::Json {
        path: path.to_owned(),
        source,
    })
}
