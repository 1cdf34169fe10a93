//! Having all workers start anew.

use std::time::Duration;

use tokio::sync::oneshot;

use super::core::Core;
use super::driver::Command;
use super::messages::restart_request;
use crate::error::Result;

/// What the scheduler may take beyond the time that it gives to workers.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Asks the scheduler to forget everything and to have all workers start anew; it answers when they are back.
pub(super) async fn restart(core: &Core, limit: Duration) -> Result<()> {
    let request = restart_request(&core.id, limit);
    let answer = core.pool.call_within(limit.saturating_add(ANSWER_LIMIT), &core.address, &request).await;
    // The futures hear of it on another connection. What is submitted after this must not be taken for something older.
    let (done, is_done) = oneshot::channel();
    core.tell(Command::CatchUp(done));
    if is_done.await.is_err() {
        core.check_alive()?;
    }
    answer.map(drop)
}
