//! Links what Node loads.

fn main() {
    napi_build::setup();
}
