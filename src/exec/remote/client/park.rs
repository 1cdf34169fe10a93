//! Waiting on an ordinary thread for what happens on the client's own.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future; nothing if the deadline comes first.
///
/// Unlike a runtime's own `block_on` this may be called anywhere. The future must not need a runtime on this thread.
pub(super) fn wait_until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = work.as_mut().poll(&mut context) {
            return Some(value);
        }
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(left) if left.is_zero() => return None,
            Some(left) => thread::park_timeout(left),
        }
    }
}

/// Waits for a future as long as it takes.
pub(super) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    // Without a deadline a value comes.
    wait_until(None, work).expect("nothing but a deadline ends the waiting")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn values_of_other_threads_arrive_and_deadlines_end_the_waiting() {
        let (sender, receiver) = oneshot::channel();
        let other = thread::spawn(move || sender.send(5).unwrap());
        assert_eq!(wait_for(receiver).unwrap(), 5);
        other.join().unwrap();
        let (_sender, receiver) = oneshot::channel::<i32>();
        assert!(wait_until(Some(Instant::now() + Duration::from_millis(1)), receiver).is_none());
    }
}
