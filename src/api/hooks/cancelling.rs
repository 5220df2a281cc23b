//! Cancels an approval whose caller is gone.

use tokio::runtime::Handle;

use crate::{
    domain::{approvals::Approval, ids::ApprovalId, rejection::Rejection},
    service::{Service, ServiceError, authenticate::Caller, cancel},
};

/// A pending approval, which is cancelled when this is dropped. Not if another call of this instance listens to it: that
/// one goes on.
pub(super) struct Cancelling {
    service: Service,
    caller: Caller,
    id: ApprovalId,
    armed: bool,
}

impl Cancelling {
    pub(super) const fn new(service: Service, caller: Caller, id: ApprovalId) -> Self {
        Self { service, caller, id, armed: true }
    }

    pub(super) const fn service(&self) -> &Service {
        &self.service
    }

    /// Leaves the approval as it is.
    pub(super) const fn disarm(&mut self) {
        self.armed = false;
    }

    /// Cancels it now. Returns how it ended, which may be by a decision of this moment; `None`: unknown.
    pub(super) async fn cancel(&mut self) -> Option<Approval> {
        let ended = match cancel::cancel(&self.service, &self.caller, self.id).await {
            Ok(cancelled) => cancelled,
            Err(ServiceError::Rejected(Rejection::AlreadyEnded(approval))) => *approval,
            Err(error) => {
                tracing::warn!(approval = %self.id, %error, "Could not cancel the approval of a hook");
                return None;
            }
        };
        self.disarm();
        Some(ended)
    }
}

impl Drop for Cancelling {
    fn drop(&mut self) {
        if !self.armed || self.service.listeners.has(self.id) {
            return;
        }
        // No runtime: the process ends, and the approval is abandoned.
        let Ok(runtime) = Handle::try_current() else { return };
        // Disarmed: whatever comes of it, once is enough. Without a listener, the approval is abandoned.
        let (service, caller) = (self.service.clone(), self.caller.clone());
        let mut cancelling = Self { service, caller, id: self.id, armed: false };
        runtime.spawn(async move { cancelling.cancel().await });
    }
}
