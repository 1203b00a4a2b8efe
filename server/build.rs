//! Rebuilds when only a migration changes: they are compiled into the program.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
