//! Cuts from the release wasm what cannot run but what no linker can know to be dead.
//!
//! A Leptos view of unknown type carries a table of functions, and one of them hydrates pages that are loaded lazily. We load
//! none: `frontend` calls `hydrate_body`, which never asks for it. A trap in its place frees all that only it reaches, for every
//! type of view there is. Were one called after all, the page would stop with `unreachable`, and the journeys with it.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module, ModuleConfig};

/// Parts of the names of functions that are never called.
const NEVER: [&str; 2] = [
    // only reached from `leptos::mount::hydrate_lazy`
    "hydrate_async",
    // only reached from the `template!` macro
    "hydrate_from_template",
];

/// Reads a wasm as wasm-bindgen would, without what is never called, and without the names that told so.
pub fn read(path: &Path) -> Result<Module> {
    let bytes = fs::read(path).with_context(|| format!("{} was not made", path.display()))?;
    let mut config = ModuleConfig::new();
    config.strict_validate(false).generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(&bytes).with_context(|| format!("{} is no wasm", path.display()))?;
    let never = |name: &String| NEVER.iter().any(|part| name.contains(part));
    let dead: Vec<FunctionId> = (module.funcs.iter())
        .filter(|function| matches!(function.kind, FunctionKind::Local(_)) && function.name.as_ref().is_some_and(never))
        .map(walrus::Function::id)
        .collect();
    for id in &dead {
        trap(&mut module, *id);
    }
    eprintln!("   {} functions that are never called", dead.len());
    Ok(module)
}

fn trap(module: &mut Module, id: FunctionId) {
    let ty = module.types.get(module.funcs.get(id).ty());
    let (params, results) = (ty.params().to_vec(), ty.results().to_vec());
    let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
    builder.func_body().unreachable();
    let args = params.iter().map(|param| module.locals.add(*param)).collect();
    module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(args));
}
