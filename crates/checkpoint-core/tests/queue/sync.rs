//! Channels that behave as tokio's do, made of loom's locks, so that every step of theirs can be interleaved.
//!
//! A send is two steps, as there: it is granted a place, then what is sent is put there. The queue may be closed, and be
//! seen empty, between the two.

use loom::sync::{Mutex, MutexGuard};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub(crate) mod mpsc {
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    use loom::sync::{Condvar, Mutex};

    use super::lock;

    struct State<T> {
        waits: VecDeque<T>,
        /// Places that nobody was granted.
        free: usize,
        room: usize,
        closed: bool,
        senders: usize,
        wanting: Vec<Waker>,
    }

    struct Channel<T> {
        state: Mutex<State<T>>,
        arrived: Condvar,
    }

    pub(crate) struct Sender<T>(Arc<Channel<T>>);

    pub(crate) struct Receiver<T>(Arc<Channel<T>>);

    pub(crate) fn channel<T>(room: usize) -> (Sender<T>, Receiver<T>) {
        let channel = Arc::new(Channel {
            state: Mutex::new(State {
                waits: VecDeque::new(),
                free: room,
                room,
                closed: false,
                senders: 1,
                wanting: Vec::new(),
            }),
            arrived: Condvar::new(),
        });
        (Sender(Arc::clone(&channel)), Receiver(channel))
    }

    impl<T> Sender<T> {
        pub(crate) async fn send(&self, value: T) -> Result<(), T> {
            let granted = poll_fn(|cx| {
                let mut state = lock(&self.0.state);
                if state.closed {
                    return Poll::Ready(false);
                }
                if state.free == 0 {
                    state.wanting.push(cx.waker().clone());
                    return Poll::Pending;
                }
                state.free -= 1;
                Poll::Ready(true)
            });
            if !granted.await {
                return Err(value);
            }
            lock(&self.0.state).waits.push_back(value);
            self.0.arrived.notify_one();
            Ok(())
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            lock(&self.0.state).senders -= 1;
            self.0.arrived.notify_one();
        }
    }

    impl<T> State<T> {
        fn take(&mut self) -> Option<T> {
            let value = self.waits.pop_front()?;
            self.free += 1;
            self.wanting.drain(..).for_each(Waker::wake);
            Some(value)
        }

        /// Nothing waits, and nothing can come any more.
        fn is_over(&self) -> bool {
            self.waits.is_empty() && (self.senders == 0 || (self.closed && self.free == self.room))
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn blocking_recv(&mut self) -> Option<T> {
            let mut state = lock(&self.0.state);
            loop {
                if let Some(value) = state.take() {
                    return Some(value);
                }
                if state.is_over() {
                    return None;
                }
                state = self.0.arrived.wait(state).unwrap();
            }
        }

        pub(crate) fn try_recv(&mut self) -> Result<T, ()> {
            lock(&self.0.state).take().ok_or(())
        }

        pub(crate) fn close(&mut self) {
            let mut state = lock(&self.0.state);
            state.closed = true;
            state.wanting.drain(..).for_each(Waker::wake);
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            self.close();
            // What arrives later stays until the last sender is gone, as in tokio.
            let waits = std::mem::take(&mut lock(&self.0.state).waits);
            drop(waits);
        }
    }
}

pub(crate) mod oneshot {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use loom::sync::Mutex;

    use super::lock;

    #[derive(Debug)]
    struct State<T> {
        answer: Option<T>,
        gone: bool,
        waiting: Option<Waker>,
    }

    type Place<T> = Arc<Mutex<State<T>>>;

    #[derive(Debug)]
    pub(crate) struct Sender<T>(Place<T>);

    pub(crate) struct Receiver<T>(Place<T>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let place = Arc::new(Mutex::new(State {
            answer: None,
            gone: false,
            waiting: None,
        }));
        (Sender(Arc::clone(&place)), Receiver(place))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(self, answer: T) -> Result<(), T> {
            lock(&self.0).answer = Some(answer);
            Ok(())
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            let mut state = lock(&self.0);
            state.gone = true;
            if let Some(waiting) = state.waiting.take() {
                waiting.wake();
            }
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, ()>;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            let mut state = lock(&self.0);
            if let Some(answer) = state.answer.take() {
                return Poll::Ready(Ok(answer));
            }
            if state.gone {
                return Poll::Ready(Err(()));
            }
            state.waiting = Some(cx.waker().clone());
            Poll::Pending
        }
    }
}
