//! Stored values that this version does not know: every reader of them fails and names the row, and none takes one for
//! a value that it knows. What works in batches goes on with the other rows.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use countersign::{
    domain::{
        approvals::Conversation,
        callers::OwnApprovals,
        ids::{
            ActionId, ApiKeyId, ApprovalId, BackendId, DeliveryId, GrantId, UnlockRequestId, UserId,
            WorkspaceId,
        },
        narrowing::FixedValues,
        text::{ActionKey, ForeignId, IntegrationKey},
    },
    storage::{
        PgConnection,
        read_models::{approvals as approvals_list, approvals::Filter, options, overview},
        statements::{claim, claim::Lease, create_approval, create_approval::Asking, decide, deliveries},
        stored::CorruptRow,
        tables::{
            actions, api_keys, approval_results, approvals, approvals::Batch, attempts, audit, delegations,
            events, grants, grants::GrantFilter, homes, integrations, outbox::Kind, profiles,
            unlock_requests,
        },
    },
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use sqlx::{AssertSqlSafe, Row as _, types::Uuid};

use crate::{
    story::{ALICE, TestApp, eventually, story},
    upgrade::upgraded,
};

/// Unknown values that each reader is given.
const CASES: usize = 12;

/// A column with a closed list of values, or another shape that not everything fits that the column can hold.
struct Column {
    table: &'static str,
    name: &'static str,
    /// What names a row of the table.
    key: &'static str,
    /// Which row gets the unknown value.
    row: &'static str,
    /// Who reads that row. Selecting rows by a known value is no reading.
    readers: &'static [&'static [Reader]],
}

/// The approvals that a person decided, and those that wait.
const DECIDED: &str = "status = 'approved' AND decided_by = 'user' AND user_id = 'U0ALICE'";
const DENIED: &str = "status = 'denied' AND user_id = 'U0ALICE'";
const PENDING: &str = "status = 'pending' AND user_id = 'U0ALICE'";
const WEBHOOK: &str = "kind = 'webhook' AND backend_id = '01a0c450-6c00-7bd2-ba7c-6873c97e24da'";

/// The first of its queue: the others wait for it.
const FIRST_HOME: &str = "kind = 'home' AND seq = (SELECT min(seq) FROM outbox WHERE kind = 'home')";

const ONE_APPROVAL: &[Reader] = &[
    Reader::Approval,
    Reader::ApprovalOfBackend,
    Reader::ApprovalInWorkspace,
    Reader::LockApproval,
    Reader::LockApprovalOfBackend,
    Reader::LockApprovalInWorkspace,
];
const LISTS: &[Reader] =
    &[Reader::ListApprovals, Reader::ListApprovalsOfUser, Reader::ListApprovalsOfConversation];
const ENDED: &[&[Reader]] = &[ONE_APPROVAL, LISTS, &[Reader::Decisions]];
const WAITING: &[&[Reader]] = &[
    ONE_APPROVAL,
    LISTS,
    &[Reader::ListPending, Reader::Waiting, Reader::LockExpired, Reader::LockStranded, Reader::LockPendingOf],
];
/// An approval whose status is unknown is none that a statement for pending ones finds.
const OF_ANY_STATUS: &[&[Reader]] = &[ONE_APPROVAL, LISTS];

const fn approvals(name: &'static str, row: &'static str, readers: &'static [&'static [Reader]]) -> Column {
    Column { table: "approvals", name, key: "id", row, readers }
}

const fn column(
    table: &'static str,
    name: &'static str,
    (key, row): (&'static str, &'static str),
    readers: &'static [&'static [Reader]],
) -> Column {
    Column { table, name, key, row, readers }
}

/// Every column with a closed list of values. Those that a CHECK constraint lists have to be here.
const COLUMNS: &[Column] = &[
    approvals("status", DECIDED, ENDED),
    approvals("status", PENDING, OF_ANY_STATUS),
    approvals("decided_by", DECIDED, ENDED),
    approvals("decided_by", DENIED, ENDED),
    approvals("decided_by", PENDING, WAITING),
    approvals("decision_scope", DECIDED, ENDED),
    approvals("decision_scope", DENIED, ENDED),
    approvals("decision_scope", PENDING, WAITING),
    approvals("arguments", DECIDED, ENDED),
    approvals("arguments", PENDING, WAITING),
    approvals("metadata", PENDING, WAITING),
    approvals("approvers", DECIDED, ENDED),
    approvals("approvers", PENDING, WAITING),
    approvals("decided_together", DECIDED, ENDED),
    approvals("decided_together", DENIED, ENDED),
    column("approval_results", "status", ("approval_id", "true"), ENDED),
    column("approval_results", "status", ("approval_id", "true"), &[&[Reader::Result]]),
    column(
        "grants",
        "scope",
        ("id", "id = '01a0c450-ba20-7931-8545-e6d05e8fd670'"),
        &[&[Reader::Grants, Reader::Revoke, Reader::Ask]],
    ),
    column(
        "grants",
        "use_count",
        ("id", "id = '01a0c450-ba20-7931-8545-e6d05e8fd670'"),
        &[&[Reader::Grants]],
    ),
    column(
        "actions",
        "unlocked_for",
        ("id", "key = 'create_issue'"),
        &[&[Reader::Ask, Reader::Actions, Reader::LockAction, Reader::ActionOptions]],
    ),
    column("audit", "actor_kind", ("id", "actor_kind = 'backend'"), &[&[Reader::Audit]]),
    column(
        "unlock_requests",
        "answer",
        ("id", "answer IS NOT NULL"),
        &[&[Reader::UnlockAnswer, Reader::UnlockLine]],
    ),
    column(
        "unlock_requests",
        "answered_by",
        ("id", "answer IS NOT NULL"),
        &[&[Reader::UnlockAnswer, Reader::UnlockLine]],
    ),
    column("delegation_notices", "kind", ("id", "true"), &[&[Reader::DelegationNotice]]),
    column("profiles", "kind", ("user_id", "true"), &[&[Reader::Profile]]),
    column("events", "person_kind", ("event_id", "event_id = 'Ev1'"), &[&[Reader::Events]]),
    column(
        "integrations",
        "ownership",
        ("id", "key = 'github'"),
        &[&[
            Reader::Integration,
            Reader::Integrations,
            Reader::LockIntegration,
            Reader::LockIntegrationShared,
        ]],
    ),
    column(
        "api_keys",
        "scopes",
        ("id", "id = '01a0c450-6c00-70a3-9cae-d4823c67e2fe'"),
        &[&[Reader::Ask, Reader::ApiKey, Reader::ApiKeys]],
    ),
    column("homes", "place", ("user_id", "user_id = 'U0ALICE'"), &[&[Reader::Place, Reader::LockPlace]]),
    column("attempts", "outcome", ("outbox_id", "true"), &[&[Reader::Attempts]]),
    column(
        "outbox",
        "event",
        ("id", WEBHOOK),
        &[&[Reader::Deliveries, Reader::DeliveriesOfApproval, Reader::Delivery, Reader::ClaimWebhooks]],
    ),
    column(
        "outbox",
        "attempts",
        ("id", WEBHOOK),
        &[&[Reader::Deliveries, Reader::DeliveriesOfApproval, Reader::Delivery, Reader::ClaimWebhooks]],
    ),
    column("outbox", "attempts", ("id", FIRST_HOME), &[&[Reader::ClaimHomes]]),
    column("prompt_failures", "count", ("code", "true"), &[&[Reader::PromptFailures]]),
];

/// A function of `storage` that reads rows.
#[derive(Debug, Clone, Copy)]
enum Reader {
    Approval,
    ApprovalOfBackend,
    ApprovalInWorkspace,
    LockApproval,
    LockApprovalOfBackend,
    LockApprovalInWorkspace,
    ListApprovals,
    ListApprovalsOfUser,
    ListApprovalsOfConversation,
    ListPending,
    Waiting,
    Decisions,
    LockExpired,
    LockStranded,
    LockPendingOf,
    Result,
    Grants,
    Revoke,
    Ask,
    Actions,
    LockAction,
    ActionOptions,
    Audit,
    UnlockAnswer,
    UnlockLine,
    Profile,
    DelegationNotice,
    Events,
    Integration,
    Integrations,
    LockIntegration,
    LockIntegrationShared,
    ApiKey,
    ApiKeys,
    Place,
    LockPlace,
    Attempts,
    Deliveries,
    DeliveriesOfApproval,
    Delivery,
    ClaimWebhooks,
    ClaimHomes,
    PromptFailures,
}

/// What a reader gives.
#[derive(Debug, PartialEq)]
enum Seen {
    /// All that it was to read.
    Everything,
    /// The keys of the rows that it can read, whatever else there is.
    Rows(BTreeSet<String>),
}

fn rows<T: ToString>(keys: impl IntoIterator<Item = T>) -> Seen {
    Seen::Rows(keys.into_iter().map(|key| key.to_string()).collect())
}

/// No grant of the dump holds values fixed.
fn unopened(_: GrantId, _: &[u8]) -> Option<FixedValues> {
    None
}

fn batch(batch: &Batch) -> Seen {
    rows(batch.approvals.iter().map(|approval| approval.id().uuid()))
}

/// Where the rows of the dump are.
struct Reading {
    workspace: WorkspaceId,
    backend: BackendId,
    user: UserId,
    now: DateTime<Utc>,
    /// The key of the row that is read.
    key: String,
}

const SLACK_ID: &str = "T0SANDBOX";
const MOST: i64 = 1_000;

impl Reading {
    fn uuid(&self) -> Uuid {
        self.key.parse().unwrap()
    }

    fn lease(&self) -> Lease {
        Lease { token: Uuid::from_u128(1), until: self.now + TimeDelta::minutes(1) }
    }

    #[expect(clippy::too_many_lines, reason = "a list reads best in one piece")]
    async fn by(&self, reader: Reader, db: &mut PgConnection) -> sqlx::Result<Seen> {
        let Self { workspace, backend, user, now, .. } = self;
        let (workspace, backend, now) = (*workspace, *backend, *now);
        let own = OwnApprovals::of_backend(backend);
        let approval = || ApprovalId::new(self.uuid());
        let github = IntegrationKey::new("github").unwrap();
        match reader {
            Reader::Approval => approvals::find(db, approval()).await.map(drop)?,
            Reader::ApprovalOfBackend => {
                approvals::find_of_caller(db, &own, approval()).await.map(drop)?;
            }
            Reader::ApprovalInWorkspace => {
                approvals::find_in_workspace(db, SLACK_ID, approval(), None).await.map(drop)?;
            }
            Reader::LockApproval => decide::lock(db, approval()).await.map(drop)?,
            Reader::LockApprovalOfBackend => {
                decide::lock_of_caller(db, &own, approval()).await.map(drop)?;
            }
            Reader::LockApprovalInWorkspace => {
                decide::lock_in_workspace(db, SLACK_ID, approval(), None, now).await.map(drop)?;
            }
            Reader::ListApprovals => {
                approvals_list::list(db, workspace, &own, &Filter::default(), MOST).await.map(drop)?;
            }
            Reader::ListApprovalsOfUser => {
                let filter = Filter { user: Some(user.clone()), ..Filter::default() };
                approvals_list::list(db, workspace, &own, &filter, MOST).await.map(drop)?;
            }
            Reader::ListApprovalsOfConversation => {
                let conversation: String =
                    sqlx::query_scalar("SELECT conversation_id FROM approvals WHERE id = $1")
                        .bind(self.uuid())
                        .fetch_one(&mut *db)
                        .await?;
                let filter = Filter { conversation: Some(conversation), ..Filter::default() };
                approvals_list::list(db, workspace, &own, &filter, MOST).await.map(drop)?;
            }
            Reader::ListPending => {
                let status = countersign::domain::approvals::Status::Pending;
                let filter = Filter { status: Some(status), ..Filter::default() };
                approvals_list::list(db, workspace, &own, &filter, MOST).await.map(drop)?;
            }
            Reader::Waiting => {
                // All pages: no user has more than a few.
                for page in 0..10 {
                    overview::waiting(db, workspace, user, (page, 3), now).await?;
                }
            }
            Reader::Decisions => {
                for page in 0..20 {
                    overview::decisions(db, (workspace, user), None, (page, 6), 300).await?;
                }
            }
            Reader::Result => approval_results::find(db, approval()).await.map(drop)?,
            Reader::LockExpired => {
                let later = now + TimeDelta::days(365);
                return Ok(batch(&approvals::lock_expired(db, later, &[], MOST).await?));
            }
            Reader::LockStranded => {
                sqlx::query("UPDATE workspaces SET removed_at = now()").execute(&mut *db).await?;
                return Ok(batch(&approvals::lock_stranded(db, &[], MOST).await?));
            }
            Reader::LockPendingOf => {
                return Ok(batch(&approvals::lock_pending_of(db, (workspace, user), &[], MOST).await?));
            }
            Reader::Grants => overview::grants(db, workspace, user, 0, now, &unopened).await.map(drop)?,
            Reader::Revoke => {
                let live = grants::lock(db, workspace, &GrantFilter::default()).await?;
                return Ok(rows(
                    live.iter().filter(|grant| grant.scope.is_some()).map(|grant| grant.id.uuid()),
                ));
            }
            Reader::Ask => {
                let key = ApiKeyId::new("01a0c450-6c00-70a3-9cae-d4823c67e2fe".parse().unwrap());
                let action = ActionKey::new("create_issue").unwrap();
                let id = ForeignId::new("c-new").unwrap();
                let conversation = Conversation { id, title: None, url: None };
                let (integration, conversation) = (&github, &conversation);
                let ask =
                    Asking { key, idempotency_key: None, integration, action: &action, user, conversation };
                let most = create_approval::MostPending::default();
                let mut contexts = create_approval::load(db, &[ask], now, &most, &unopened).await?;
                let (_, _, grants) = contexts.remove(0)?.unwrap().action.unwrap();
                return Ok(rows(grants.iter().map(|grant| grant.id.uuid())));
            }
            Reader::Actions => actions::list(db, workspace).await.map(drop)?,
            Reader::LockAction => {
                actions::lock_by_id(db, workspace, ActionId::new(self.uuid())).await.map(drop)?;
            }
            Reader::ActionOptions => {
                options::line(db, workspace, ActionId::new(self.uuid())).await.map(drop)?;
            }
            Reader::Audit => audit::export(db, workspace, None, u64::MAX / 2, MOST).await.map(drop)?,
            Reader::UnlockAnswer => {
                unlock_requests::answer_of(db, UnlockRequestId::new(self.uuid())).await.map(drop)?;
            }
            Reader::UnlockLine => {
                unlock_requests::line(db, UnlockRequestId::new(self.uuid()), now).await.map(drop)?;
            }
            Reader::Profile => profiles::find(db, SLACK_ID, user).await.map(drop)?,
            Reader::DelegationNotice => delegations::untold(db, workspace, user).await.map(drop)?,
            Reader::Events => {
                let claimed = events::claim(db, now, now + TimeDelta::minutes(1), MOST).await?;
                return Ok(rows(claimed.into_iter().map(|event| event.id)));
            }
            Reader::Integration => integrations::find(db, workspace, &github).await.map(drop)?,
            Reader::Integrations => integrations::list(db, workspace, None, None, MOST).await.map(drop)?,
            Reader::LockIntegration => integrations::lock(db, workspace, &github).await.map(drop)?,
            Reader::LockIntegrationShared => {
                integrations::lock_shared(db, workspace, &github).await.map(drop)?;
            }
            Reader::ApiKey => api_keys::find(db, ApiKeyId::new(self.uuid())).await.map(drop)?,
            Reader::ApiKeys => api_keys::list(db, &[backend]).await.map(drop)?,
            Reader::Place => homes::place(db, workspace, user).await.map(drop)?,
            Reader::LockPlace => homes::lock_place(db, workspace, user).await.map(drop)?,
            Reader::Attempts => attempts::for_delivery(db, DeliveryId::new(self.uuid())).await.map(drop)?,
            Reader::Deliveries => {
                deliveries::list(db, backend, &deliveries::Filter::default(), MOST).await.map(drop)?;
            }
            Reader::DeliveriesOfApproval => {
                let approval: Uuid = sqlx::query_scalar("SELECT approval_id FROM outbox WHERE id = $1")
                    .bind(self.uuid())
                    .fetch_one(&mut *db)
                    .await?;
                let approval = Some(ApprovalId::new(approval));
                let filter = deliveries::Filter { approval, ..deliveries::Filter::default() };
                deliveries::list(db, backend, &filter, MOST).await.map(drop)?;
            }
            Reader::Delivery => {
                deliveries::find(db, backend, DeliveryId::new(self.uuid())).await.map(drop)?;
            }
            Reader::ClaimWebhooks => {
                let claimed = claim::claim_webhooks(db, MOST, MOST, &[], now, self.lease()).await?.claims;
                return Ok(rows(claimed.iter().map(|claim| claim.id.uuid())));
            }
            Reader::ClaimHomes => {
                let claimed = claim::claim(db, Kind::Home, MOST, now, self.lease()).await?;
                return Ok(rows(claimed.iter().map(|claim| claim.id.uuid())));
            }
            Reader::PromptFailures => {
                countersign::storage::tables::prompt_failures::recent(db, workspace, now).await.map(drop)?;
            }
        }
        Ok(Seen::Everything)
    }
}

/// What the dump lacks, and what claims find.
const MORE: &str = "
    INSERT INTO profiles (workspace, user_id, kind, is_admin, read_at)
    SELECT 'T0SANDBOX', 'U0ALICE', 'member', false, now() WHERE NOT EXISTS (SELECT FROM profiles);
    DELETE FROM profiles WHERE user_id <> 'U0ALICE';
    INSERT INTO delegations (id, workspace_id, user_id, delegate_id, began_at, until)
    VALUES ('01a0c450-6c00-7000-8000-000000000001', '01a0c450-6c00-7363-a7bc-246a6180ed93', 'U0BOB', 'U0ALICE',
            '2026-09-21', '2026-09-25');
    INSERT INTO delegation_notices (id, workspace_id, delegation_id, user_id, kind)
    SELECT '01a0c450-6c00-7000-8000-000000000002', workspace_id, id, delegate_id, 'begun' FROM delegations;
    INSERT INTO events (event_id, digest, workspace, kind, person_kind, happened_at, received_at, leased_until)
    SELECT 'Ev' || n, sha256(n::text::bytea), 'T0SANDBOX', 'user_change', 'guest', '2026-01-01', '2026-01-01', '2026-01-01'
    FROM generate_series(1, 3) n;
    INSERT INTO prompt_failures (workspace_id, code, count, last_at)
    VALUES ('01a0c450-6c00-7363-a7bc-246a6180ed93', 'not_in_channel', 2, '2026-09-30');
    DELETE FROM attempts WHERE outbox_id <> (SELECT min(outbox_id::text)::uuid FROM attempts);
    UPDATE approvals SET metadata = '{}' WHERE status = 'pending';
    INSERT INTO approval_results (approval_id, status, digest, reported_at)
    SELECT id, 'succeeded', sha256('x'), '2026-09-30' FROM approvals
    WHERE status = 'approved' AND decided_by = 'user' AND user_id = 'U0ALICE';
    UPDATE backends SET webhook_stopped_at = NULL;
    UPDATE outbox SET done_at = NULL, dead_at = NULL, lease = NULL, leased_until = NULL, due_at = '2026-01-01';";

/// Lets every column hold everything, and every row change.
async fn allow_everything(s: &TestApp) {
    let checks =
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
                  WHERE contype = 'c' AND coninhcount = 0 AND connamespace = 'public'::regnamespace";
    let triggers =
        "SELECT DISTINCT format('ALTER TABLE %s DISABLE TRIGGER USER', tgrelid::regclass) FROM pg_trigger
                    WHERE NOT tgisinternal";
    for query in [checks, triggers] {
        let statements: Vec<String> = sqlx::query_scalar(query).fetch_all(&s.service.db).await.unwrap();
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&s.service.db).await.unwrap();
        }
    }
}

/// The columns whose values a CHECK constraint lists, each with the constraint.
async fn listed(s: &TestApp) -> Vec<(String, String, String)> {
    let query =
        "SELECT c.conrelid::regclass::text, a.attname::text, pg_get_constraintdef(c.oid) FROM pg_constraint c
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
                 WHERE c.contype = 'c' AND c.coninhcount = 0 AND c.connamespace = 'public'::regnamespace
                   AND pg_get_constraintdef(c.oid) ~ '(= ANY|<@)'";
    sqlx::query_as(query).fetch_all(&s.service.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_column_has_its_readers_tried() {
    upgraded(async |s| {
        let listed = listed(s).await;
        assert!(listed.len() >= 10, "{listed:?}");
        for (table, name, _) in listed {
            let is_here = COLUMNS.iter().any(|column| column.table == table && column.name == name);
            assert!(is_here, "{table}.{name} has a closed list of values: add it and its readers to COLUMNS");
        }
    })
    .await;
}

/// Values that are none of `known`: near to them, or anything that a text may hold.
fn unknown_values(known: &BTreeSet<String>, runner: &mut TestRunner) -> Vec<String> {
    let near = proptest::sample::select(known.iter().cloned().collect::<Vec<_>>());
    let value = prop_oneof![
        near.clone().prop_map(|word| word.to_uppercase()),
        near.clone().prop_map(|word| format!("{word} ")),
        near.prop_map(|word| word[1..].to_owned()),
        "[a-z_]{0,12}",
        "\\PC{1,12}",
    ];
    let value = value.prop_filter("known", |value| !known.contains(value));
    (0..CASES).map(|_| value.new_tree(runner).unwrap().current()).collect()
}

/// An SQL expression for a value, in the type of the column.
async fn expression(s: &TestApp, column: &Column) -> &'static str {
    let kind: String = sqlx::query_scalar(
        "SELECT data_type::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1
           AND column_name = $2",
    )
    .bind(column.table)
    .bind(column.name)
    .fetch_one(&s.service.db)
    .await
    .unwrap();
    match kind.as_str() {
        "text" => "$1::text",
        "ARRAY" => "ARRAY[$1::text]",
        // JSON, and no object.
        "json" => "to_json($1::text)",
        "jsonb" => "to_jsonb($1::text)",
        "bigint" | "integer" => "-1 - length($1::text)",
        other => panic!("no unknown value of {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_takes_an_unknown_value_for_a_known_one() {
    upgraded(async |s| {
        s.stop().await;
        let mut known: BTreeSet<String> = BTreeSet::new();
        for (_, _, constraint) in listed(s).await {
            for quoted in constraint.split('\'').skip(1).step_by(2) {
                known.extend(quoted.trim_matches(['{', '}']).split(',').map(str::to_owned));
            }
        }
        assert!(known.contains("pending") && known.contains("audit"), "{known:?}");
        allow_everything(s).await;
        sqlx::raw_sql(MORE).execute(&s.service.db).await.unwrap();
        let mut runner = TestRunner::deterministic();
        for column in COLUMNS {
            let Column { table, name, key, row, readers } = column;
            let expression = expression(s, column).await;
            let find = format!("SELECT {key}::text FROM {table} WHERE {row} ORDER BY 1 LIMIT 1");
            let found = sqlx::query(AssertSqlSafe(find)).fetch_optional(&s.service.db).await.unwrap();
            let found: String = found.unwrap_or_else(|| panic!("{table} has no row where {row}")).get(0);
            let reading = Reading {
                workspace: WorkspaceId::new("01a0c450-6c00-7363-a7bc-246a6180ed93".parse().unwrap()),
                backend: BackendId::new("01a0c450-6c00-7bd2-ba7c-6873c97e24da".parse().unwrap()),
                user: UserId::parse(ALICE).unwrap(),
                now: DateTime::parse_from_rfc3339("2026-09-30T12:00:00Z").unwrap().into(),
                key: found,
            };
            let write = format!("UPDATE {table} SET {name} = {expression} WHERE {key}::text = $2");
            let values = unknown_values(&known, &mut runner);
            for reader in readers.iter().copied().flatten() {
                let mut tx = s.service.db.begin().await.unwrap();
                let before = reading.by(*reader, &mut tx).await.unwrap();
                tx.rollback().await.unwrap();
                for value in &values {
                    let context = format!("{reader:?} of {table}.{name} = {value:?} ({row})");
                    let mut tx = s.service.db.begin().await.unwrap();
                    let write = sqlx::query(AssertSqlSafe(write.clone())).bind(value).bind(&reading.key);
                    assert!(write.execute(&mut *tx).await.unwrap().rows_affected() > 0, "{context}");
                    let read = reading.by(*reader, &mut tx).await;
                    tx.rollback().await.unwrap();
                    check(column, &reading.key, &before, read, &context);
                }
            }
        }
    })
    .await;
}

/// A reader of one row, or of a list, fails and names the row. One of a batch gives the others.
fn check(column: &Column, key: &str, before: &Seen, read: sqlx::Result<Seen>, context: &str) {
    match (before, read) {
        (Seen::Rows(before), Ok(Seen::Rows(rows))) => {
            assert!(before.contains(key), "{context}: it did not read the row before");
            let others: BTreeSet<_> = before.iter().filter(|row| *row != key).cloned().collect();
            assert_eq!(rows, others, "{context}");
        }
        (_, Ok(read)) => panic!("{context} was read: {read:?}"),
        (_, Err(error)) => {
            let row = CorruptRow::find_in(&error).unwrap_or_else(|| panic!("{context}: {error}"));
            assert_eq!((row.table, row.column), (column.table, column.name), "{context}");
            assert!(row.id.contains(&key.replace('-', "")), "{context} names {}", row.id);
        }
    }
}

/// Gives a column of one row a value that this version does not know, as a newer version might.
async fn corrupt(s: &TestApp, table: &str, column: &str, id: &str) {
    allow_everything(s).await;
    let uuid = id.split_once('_').unwrap().1;
    let write = format!("UPDATE {table} SET {column} = 'newer' WHERE id = $1::uuid");
    let done = sqlx::query(AssertSqlSafe(write)).bind(uuid).execute(&s.service.db).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

const ACTION: &str = "github.create_issue";

#[tokio::test(flavor = "multi_thread")]
async fn an_error_names_the_row_and_not_the_value() {
    story(async |s| {
        let id = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        corrupt(s, "approvals", "decided_by", &id).await;
        let mut db = s.service.db.acquire().await.unwrap();
        let error = approvals::find(&mut db, id.parse().unwrap()).await.unwrap_err();
        let expected = format!(
            "could not read approvals.decided_by of {id}: this version of Countersign does not know the stored value"
        );
        assert_eq!(countersign::storage::explain(&error), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_approval_is_an_internal_error_of_the_api() {
    story(async |s| {
        let bad = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let good = s.ask(&s.call(ACTION, "c-2")).await.id().to_owned();
        corrupt(s, "approvals", "status", &bad).await;
        let reply = s.api().get(&bad).await;
        assert_eq!(
            (reply.status, reply.str("/type")),
            (500, "urn:countersign:problem:internal"),
            "{reply:?}"
        );
        assert_eq!(s.api().cancel(&bad).await.status, 500);
        assert_eq!(s.api().list(&[]).await.status, 500, "a list without it would be wrong");
        assert_eq!(s.api().get(&good).await.approval_status(), "pending");
        assert_eq!(s.api().cancel(&good).await.approval_status(), "cancelled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_an_unreadable_approval_decides_nothing() {
    story(async |s| {
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        corrupt(s, "approvals", "decided_by", &id).await;
        s.click(ALICE, &prompt, "Approve").await;
        s.ephemeral_reply(ALICE, &prompt.channel, "Something went wrong. Nothing was decided").await;
        let status: String =
            sqlx::query_scalar("SELECT status FROM approvals").fetch_one(&s.service.db).await.unwrap();
        assert_eq!(status, "pending");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_goes_on_past_approvals_that_cannot_be_read() {
    story(async |s| {
        // More than one transaction ends, and they expire first.
        let mut bad = Vec::new();
        for number in 0..51 {
            bad.push(s.ask(&s.call(ACTION, &format!("c-{number}"))).await.id().to_owned());
        }
        s.advance_until_idle(TimeDelta::seconds(1)).await;
        let good = s.ask(&s.call(ACTION, "c-good")).await.id().to_owned();
        for id in &bad {
            corrupt(s, "approvals", "decided_by", id).await;
        }
        s.advance_until_idle(TimeDelta::minutes(31)).await;
        assert_eq!(s.received_webhook(&good).await.kind, "approval.expired");
        let mut db = s.service.db.acquire().await.unwrap();
        let left_out: Vec<Uuid> = bad.iter().map(|id| id.parse::<ApprovalId>().unwrap().uuid()).collect();
        assert_eq!(
            approvals::next_expiry(&mut db, &left_out).await.unwrap(),
            None,
            "nothing to look at soon"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_go_on_past_an_approval_that_cannot_be_read() {
    story(async |s| {
        let bad = s.ask(&s.call(ACTION, "c-1")).await.id().to_owned();
        let good = s.ask(&s.call(ACTION, "c-2")).await.id().to_owned();
        assert_eq!(s.api().cancel(&bad).await.status, 200);
        let delivery = s.received_webhook(&bad).await.id;
        corrupt(s, "approvals", "decided_by", &bad).await;
        assert_eq!(s.api().redeliver(&delivery).await.status, 202);
        let due_at = async || -> Option<DateTime<Utc>> {
            let waiting = "SELECT due_at FROM outbox WHERE id = $1 AND lease IS NULL AND due_at > $2";
            let id = delivery.parse::<DeliveryId>().unwrap().uuid();
            sqlx::query_scalar(waiting).bind(id).bind(s.now()).fetch_optional(&s.service.db).await.unwrap()
        };
        let due_at = eventually("the webhook waits", due_at).await;
        assert_eq!(due_at, s.now() + TimeDelta::minutes(5));
        assert_eq!(s.api().cancel(&good).await.status, 200);
        assert_eq!(s.received_webhook(&good).await.kind, "approval.cancelled");
        // An operator repairs it.
        sqlx::query("UPDATE approvals SET decided_by = 'backend'").execute(&s.service.db).await.unwrap();
        s.advance_until_idle(TimeDelta::minutes(5)).await;
        let delivered = async || {
            let deliveries = s.api().deliveries(&[("approval", &bad)]).await;
            (deliveries.data()[0]["status"] == "delivered").then_some(())
        };
        eventually("the webhook is delivered", delivered).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_a_grant_whose_scope_is_unknown() {
    story(async |s| {
        s.open(ACTION).await;
        let (id, prompt) = s.prompt(&s.call(ACTION, "c-1")).await;
        s.choose(ALICE, &prompt, "Auto-approve always").await;
        s.received_webhook(&id).await;
        allow_everything(s).await;
        sqlx::query("UPDATE grants SET scope = 'newer'").execute(&s.service.db).await.unwrap();
        assert_eq!(s.ask(&s.call(ACTION, "c-2")).await.approval_status(), "pending", "it approves nothing");
        s.lock(ACTION).await;
        assert_eq!(s.live_grants().await, 0);
        let before: serde_json::Value =
            sqlx::query_scalar("SELECT before FROM audit WHERE what = 'grant.revoked'")
                .fetch_one(&s.service.db)
                .await
                .unwrap();
        assert_eq!(before, serde_json::json!({ "scope": null }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_grants_the_one_that_reaches_further_is_used() {
    story(async |s| {
        s.open(ACTION).await;
        let ask = s.call(ACTION, "c-1");
        let (first, prompt) = s.prompt(&ask).await;
        let (second, other) = s.prompt(&ask).await;
        s.choose(ALICE, &prompt, "Auto-approve for this conversation").await;
        s.received_webhook(&first).await;
        let used = s.ask(&ask).await;
        assert_eq!(used.body["decision"]["scope"], "conversation", "{used:?}");
        s.choose(ALICE, &other, "Auto-approve always").await;
        s.received_webhook(&second).await;
        assert_eq!(s.live_grants().await, 2);
        let used = s.ask(&ask).await;
        assert_eq!(used.body["decision"]["scope"], "always", "{used:?}");
    })
    .await;
}
