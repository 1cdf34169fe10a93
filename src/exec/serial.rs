//! The driver that runs everything on the caller's thread: for small work, and the oracle of the tests.

use super::driver::{Context, Core, Hand};
use super::job::Job;

/// Runs `core` to its end.
pub(super) fn drive<'a, J: Job>(mut core: Core<'a, J>, context: &Context<'_, J>) -> Core<'a, J> {
    let mut hand = Hand::default();
    loop {
        core.report(&mut hand);
        let going = core.next(context, &mut hand, 1);
        if let Err(error) = context.discard(&mut hand) {
            core.stop(error, &mut hand);
        }
        if !going {
            return core;
        }
        context.execute(&mut hand, 0);
    }
}
