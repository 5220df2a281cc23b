# Common commands. `just` lists them.

[private]
default:
    @just --list --unsorted

# Start everything on this machine: Postgres, the service, a local Slack, an agent
demo *options:
    cargo run --example demo -- {{ options }}

# Run the tests whose names contain the filter
test *filter:
    cargo test --workspace {{ filter }}

# Format, then lint as CI does
lint:
    cargo fmt --all
    .ci/words
    cargo clippy --workspace --all-targets --locked -- --deny warnings

# Update .sqlx/ after changing a statement or a migration
queries:
    .ci/queries --write

# Accept changed snapshots, one by one
snapshots:
    cargo insta review

# Measure the hot paths
bench:
    cargo bench --bench hot_paths

# Run everything that a change must pass
ci:
    .ci/run
