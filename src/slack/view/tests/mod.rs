//! Every view in every state, and every view with the worst that can be put into it.

mod apart;
mod checks;
mod hostile;
mod samples;
mod screens;
mod snapshots;
mod worst;
