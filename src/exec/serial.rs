//! The driver that runs everything on the caller's thread: for small work, and the oracle of the tests.

use super::driver::{Context, Core, Scratch};
use super::job::Job;

/// Runs `core` to its end.
pub(super) fn drive<'a, J: Job>(mut core: Core<'a, J>, context: &Context<'_, J>) -> Core<'a, J> {
    let mut scratch = Scratch::default();
    loop {
        let work = core.next(context, &mut scratch);
        if let Err(error) = context.discard(&mut scratch.garbage) {
            core.stop(error, &mut scratch);
        }
        let Some(work) = work else { return core };
        let outcome = context.execute(work, 0);
        core.report(outcome, &mut scratch);
    }
}
