//! Installing the app into any number of workspaces (<https://docs.slack.dev/authentication/installing-with-oauth>).

pub mod access;
