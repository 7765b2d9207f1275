//! Ctrl-C and `kill`: a flag that waiting loops look at, so that every drop still runs and no child is left behind.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;
use signal_hook::{consts::TERM_SIGNALS, flag};

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The first signal sets the flag; a second one ends the process at once.
pub fn watch() -> Result<()> {
    let stop = STOP.get_or_init(Arc::default);
    for signal in TERM_SIGNALS {
        flag::register_conditional_shutdown(*signal, 130, Arc::clone(stop))?;
        flag::register(*signal, Arc::clone(stop))?;
    }
    Ok(())
}

pub fn stopping() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}
