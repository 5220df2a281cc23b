//! The Home tab, the settings, unlock requests and the command's replies: as snapshots for a human reader, and at their
//! worst.

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    checks,
    samples::{alice, asked_at, decided, foreign, full_of, grant, ordinary, result, verdicts},
    snapshots::{keep, keep_message},
};
use crate::{
    domain::{
        alike::{Alike, MOST_TOGETHER},
        approvals::Approval,
        audit::Actor,
        catalog::{Description, Eligibility, Lock, UnlockedFor},
        delegations::Delegations,
        field_hints::Presentation,
        grants::StandingScope,
        ids::{
            ActionId, ActionVersionId, ApiKeyId, BackendId, IntegrationId, PauseId, UnlockRequestId, UserId,
        },
        limits::Bounds,
        notifications::Preferences,
        overview::{
            ActionLine, Administration, Asker, BackendLine, ChangedLine, DecisionLine, DeviceLine, GrantLine,
            Group, Home, IntegrationLine, OptionsLine, Page, PauseLine, PromptFailureLine, Section,
            SettingLine, UnlockLine, WaitingLine,
        },
        panel::Panel,
        pauses::{Pause, PauseReason, PauseTarget, PausedRequests},
        people::PersonKind,
        prompts::Prompt,
        rejection::Rejection,
        results::ResultStatus,
        risk::{Impact, Risk},
        setup::Setup,
        templates::Template,
        unlock_answer::{Resolution, Resolved},
    },
    slack::view::{
        home::{HomeState, home},
        lists, sentences,
        settings::{self, Content, LINES},
        together, unlocking,
    },
};

const LOCKED: Eligibility = Eligibility {
    lock: Lock::Locked,
    outdated: false,
    connected: true,
    conversation_closed: false,
    bounds: Bounds { duration: None, uses: None },
};

fn bob() -> UserId {
    UserId::parse("U0BOB").unwrap()
}

fn paused(name: &str) -> PauseLine {
    PauseLine {
        pause: Pause {
            id: PauseId::new(Uuid::from_u128(12)),
            target: PauseTarget::Agent {
                backend: Some(BackendId::new(Uuid::from_u128(8))),
                agent: foreign(&name.chars().take(255).collect::<String>()),
            },
            requests: PausedRequests::Denied,
            reason: PauseReason::new(name.chars().cycle().take(300).collect::<String>()).unwrap(),
            by: Actor::User(bob()),
            at: asked_at(),
        },
        backend: Some(name.to_owned()),
    }
}

pub(super) fn integration(name: &str, connected: bool) -> IntegrationLine {
    IntegrationLine {
        id: IntegrationId::new(Uuid::from_u128(4)),
        key: "salesforce".to_owned(),
        name: name.to_owned(),
        requires_connection: true,
        connected,
        connect_url: Some("https://app.example.com/connect".to_owned()),
        actions: 5,
        unlocked: 2,
        always: 1,
    }
}

pub(super) fn action(name: &str, unlocked: bool) -> ActionLine {
    ActionLine {
        id: ActionId::new(Uuid::from_u128(3)),
        version: version(),
        key: "create_record".to_owned(),
        name: name.to_owned(),
        description: Some("Creates a record of any object.".to_owned()),
        impact: if unlocked { Impact::Undeclared } else { Impact::DESTRUCTIVE },
        unlocked: unlocked.then_some(UnlockedFor::Always),
        changed: false,
        always: unlocked,
        requested: false,
        must_read: false,
        grants: 3,
    }
}

/// An action as its options show it.
pub(super) fn options_line(name: &str, unlocked: Option<UnlockedFor>) -> OptionsLine {
    OptionsLine {
        action: ActionId::new(Uuid::from_u128(3)),
        version: version(),
        path: "salesforce.create_record".to_owned(),
        integration_name: name.to_owned(),
        action_name: name.to_owned(),
        description: Some("Creates a record of any object.".to_owned()),
        impact: Impact::DESTRUCTIVE,
        unlocked,
        must_read: false,
        always: 3,
    }
}

pub(super) fn granted(name: &str, conversation: Option<&str>) -> GrantLine {
    GrantLine {
        id: grant(),
        action: ActionId::new(Uuid::from_u128(3)),
        path: "salesforce.create_record".to_owned(),
        integration_name: "Salesforce".to_owned(),
        action_name: name.to_owned(),
        scope: if conversation.is_some() { StandingScope::Conversation } else { StandingScope::Always },
        narrowing: None,
        conversation: conversation.map(str::to_owned),
        conversation_id: None,
        paused: false,
        created_at: asked_at() - TimeDelta::days(3),
        use_count: 12,
        last_used_at: Some(asked_at() - TimeDelta::minutes(5)),
    }
}

pub(super) fn unlock_line(answered: Option<Resolved>) -> UnlockLine {
    let asker = |user, approved, denied| Asker { user, asked_at: asked_at(), approved, denied };
    UnlockLine {
        id: UnlockRequestId::new(Uuid::from_u128(5)),
        action: ActionId::new(Uuid::from_u128(3)),
        path: "salesforce.create_record".to_owned(),
        version: version(),
        integration_name: "Salesforce".to_owned(),
        action_name: "Create record".to_owned(),
        description: Some("Creates a record of any object.".to_owned()),
        impact: Impact::DESTRUCTIVE,
        askers: vec![asker(alice(), 12, 1), asker(bob(), 0, 0)],
        asked: 3,
        unlocked: answered
            .as_ref()
            .filter(|answered| answered.answer == Resolution::Unlocked)
            .map(|_| UnlockedFor::Always),
        answered,
    }
}

fn version() -> ActionVersionId {
    ActionVersionId::new(Uuid::from_u128(6))
}

fn described(name: &str, description: &str) -> Description {
    Description {
        integration_name: "Salesforce".to_owned(),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        impact: Impact::ReadOnly,
        presentation: Presentation::default(),
        input_schema: None,
        requires_connection: true,
    }
}

fn changed_line() -> ChangedLine {
    ChangedLine {
        action: ActionId::new(Uuid::from_u128(3)),
        path: "salesforce.create_record".to_owned(),
        before: Some(described("Look up a record", "Reads a record of any object.")),
        after: Description {
            impact: Impact::DESTRUCTIVE,
            presentation: Presentation {
                title: Template::new("Create a record of {object}").ok(),
                fields: Vec::new(),
            },
            ..described("Create record", "Creates a record of any object, and overwrites one of that name.")
        },
        version: version(),
        paused: 3,
    }
}

fn answered(answer: Resolution) -> Resolved {
    Resolved { answer, by: Some(UserId::parse("U0ADMIN").unwrap()), at: asked_at() }
}

/// Where the workspace's messages are.
pub(super) const ADDRESS: Option<&str> = Some("https://acme.slack.com/");

/// An ended approval with its message.
pub(super) fn decision_line(approval: Approval) -> DecisionLine {
    let message = Some(Prompt { channel: "D0ALICE".to_owned(), ts: "1773480413.000100".to_owned() });
    DecisionLine { approval, message }
}

pub(super) fn page<T: Clone>(items: Vec<T>, section: Section) -> Page<T> {
    Page::from_list(items, 0, section.size())
}

pub(super) fn waiting(approval: Approval, standing: Eligibility) -> WaitingLine {
    WaitingLine {
        approval,
        standing,
        connect_url: None,
        requested: false,
        precedent: None,
        panel: Panel::default(),
        why: None,
    }
}

fn backend(name: &str) -> BackendLine {
    BackendLine {
        id: BackendId::new(Uuid::from_u128(2)),
        name: name.to_owned(),
        disabled: false,
        has_endpoint: true,
        stopped_at: None,
        failing: 0,
        dead: 0,
        delivered_at: Some(asked_at()),
    }
}

fn render_home(home_: &Home, kind: PersonKind) -> Value {
    let view = home(&HomeState { home: home_, kind, now: asked_at(), address: ADDRESS });
    checks::sound(&view, 100);
    view
}

/// An API key that is bound to the user.
pub(super) fn device(name: Option<&str>, is_used: bool) -> DeviceLine {
    DeviceLine {
        id: ApiKeyId::new(Uuid::from_u128(9)),
        backend: "claude".to_owned(),
        name: name.map(str::to_owned),
        created_at: asked_at(),
        expires_at: is_used.then(|| asked_at() + TimeDelta::days(90)),
        last_used_at: is_used.then(asked_at),
    }
}

pub(super) fn empty() -> Home {
    Home {
        waiting: page(Vec::new(), Section::Waiting),
        grants: page(Vec::new(), Section::Grants),
        integrations: page(Vec::new(), Section::Integrations),
        decisions: page(Vec::new(), Section::Decisions),
        devices: page(Vec::new(), Section::Devices),
        notifications: Preferences::default(),
        delegations: Delegations::default(),
        administration: None,
    }
}

fn full() -> Home {
    let verdict = |at: usize| decided(verdicts().remove(at).1);
    Home {
        waiting: page(vec![waiting(ordinary(), LOCKED)], Section::Waiting),
        grants: page(
            vec![granted("Create record", None), granted("Create record", Some("Q3 pipeline"))],
            Section::Grants,
        ),
        integrations: page(
            vec![integration("Salesforce", true), integration("Gmail", false)],
            Section::Integrations,
        ),
        decisions: page([2, 5, 7].map(|at| decision_line(verdict(at))).to_vec(), Section::Decisions),
        devices: page(vec![device(Some("laptop"), true), device(None, false)], Section::Devices),
        notifications: Preferences::default(),
        delegations: Delegations::default(),
        administration: None,
    }
}

fn prompt_failure(code: &str, count: usize) -> PromptFailureLine {
    PromptFailureLine { code: code.to_owned(), count, last_at: asked_at() }
}

pub(super) fn administration() -> Administration {
    let stopped = BackendLine { stopped_at: Some(asked_at()), ..backend("stopped") };
    let failing = BackendLine { failing: 3, ..backend("failing") };
    let given_up = BackendLine { dead: 1, delivered_at: None, ..backend("given up") };
    Administration {
        requests: page(vec![unlock_line(None)], Section::Requests),
        changed: page(Vec::new(), Section::Changed),
        catalog: page(vec![integration("Salesforce", false)], Section::Catalog),
        picked: None,
        backends: page(vec![backend("agents"), stopped, failing, given_up], Section::Backends),
        paused: Vec::new(),
        prompt_failures: vec![prompt_failure("missing_scope", 1), prompt_failure("update_failed", 12)],
        setup: Setup::DONE,
    }
}

#[test]
fn the_home_tab_shows_what_is_so() {
    keep("home_empty", &render_home(&empty(), PersonKind::Member));
    keep("home", &render_home(&full(), PersonKind::Member));
    keep("home_guest", &render_home(&empty(), PersonKind::Guest));
    let admin = Home { administration: Some(administration()), ..empty() };
    keep("home_admin", &render_home(&admin, PersonKind::Member));
    let actions = vec![action("Create record", true), action("Delete record", false)];
    let picked = Some((integration("Salesforce", false), page(actions, Section::Actions)));
    let admin = Home { administration: Some(Administration { picked, ..administration() }), ..empty() };
    keep("home_admin_picked", &render_home(&admin, PersonKind::Member));
    let fresh = Administration {
        requests: page(Vec::new(), Section::Requests),
        backends: page(vec![backend("agents")], Section::Backends),
        prompt_failures: Vec::new(),
        setup: Setup { backend: true, ..Setup::default() },
        ..administration()
    };
    keep("home_setup", &render_home(&Home { administration: Some(fresh), ..empty() }, PersonKind::Member));
}

#[test]
fn what_has_changed_since_it_was_unlocked_stands_before_and_after() {
    let unknown = ChangedLine { before: None, paused: 0, ..changed_line() };
    let action = ActionLine { changed: true, ..action("Create record", true) };
    let administration = Administration {
        requests: page(Vec::new(), Section::Requests),
        changed: page(vec![changed_line(), unknown], Section::Changed),
        picked: Some((integration("Salesforce", false), page(vec![action.clone()], Section::Actions))),
        backends: page(Vec::new(), Section::Backends),
        ..administration()
    };
    let paused = GrantLine { paused: true, ..granted("Create record", None) };
    let home = Home {
        grants: page(vec![paused.clone()], Section::Grants),
        administration: Some(administration),
        ..empty()
    };
    keep("home_changed", &render_home(&home, PersonKind::Member));
    let off = ActionLine { always: false, ..action.clone() };
    let lines = vec![SettingLine::Action(action), SettingLine::Grant(paused), SettingLine::Action(off)];
    let gear = Content::Gear(Box::new(integration("Salesforce", true)), Page::from_list(lines, 0, LINES));
    let view = settings::settings(&gear, None, "1");
    checks::sound(&view, 100);
    keep("settings_changed", &view);
}

#[test]
fn the_settings_show_toggles_and_what_is_missing() {
    let integrations =
        page(vec![integration("Salesforce", true), integration("Gmail", false)], Section::Integrations);
    let all = Content::Integrations(integrations, super::notifications::all_on());
    let requested = ActionLine { requested: true, ..action("Merge records", false) };
    let lines = vec![
        SettingLine::Action(action("Create record", true)),
        SettingLine::Grant(granted("Create record", Some("Q3 pipeline"))),
        SettingLine::Action(action("Delete record", false)),
        SettingLine::Action(requested),
    ];
    let gear = |connected| {
        Content::Gear(
            Box::new(integration("Salesforce", connected)),
            Page::from_list(lines.clone(), 0, LINES),
        )
    };
    let note = sentences::settings(&Rejection::Locked);
    for (name, view) in [
        ("settings", settings::settings(&all, None, "1")),
        ("settings_gear", settings::settings(&gear(true), Some(&note), "2")),
        ("settings_not_connected", settings::settings(&gear(false), None, "3")),
        ("settings_loading", settings::loading(all.screen())),
        ("settings_failed", settings::failed(all.screen(), sentences::SETTINGS_TRY_AGAIN)),
    ] {
        checks::sound(&view, 100);
        keep(name, &view);
    }
}

#[test]
fn a_toggle_is_another_one_at_every_drawing() {
    let line = SettingLine::Action(action("Create record", true));
    let gear =
        Content::Gear(Box::new(integration("Salesforce", true)), Page::from_list(vec![line], 0, LINES));
    let one = settings::settings(&gear, None, "one").to_string();
    assert!(one.contains("act_00000000000000000000000000000003:one") && one.contains("initial_options"));
    assert_ne!(one, settings::settings(&gear, None, "other").to_string());
}

#[test]
fn requests_to_unlock_say_who_asks_and_how_they_decided() {
    keep_message("unlock_request", &unlocking::message(&unlock_line(None)));
    for answer in [Resolution::Unlocked, Resolution::Declined, Resolution::Retired] {
        let line = unlock_line(Some(answered(answer)));
        keep_message(&format!("unlock_request_{}", answer.as_str()), &unlocking::message(&line));
        keep_message(
            &format!("unlock_answer_{}", answer.as_str()),
            &unlocking::answer(&line, &answered(answer)),
        );
    }
}

#[test]
fn the_command_answers_in_words() {
    let waits = page(vec![waiting(ordinary(), LOCKED)], Section::Waiting);
    keep_message("list", &lists::waiting(&waits, &[]));
    let group = Group { first: ordinary(), count: 12 };
    let mut external = ordinary();
    external.request.action.impact = Impact::Changes([Risk::External].into_iter().collect());
    keep("approve_all", &together::modal(&[ordinary(), external], 3));
    keep_message("list_together", &lists::waiting(&waits, &[group]));
    keep_message("list_empty", &lists::waiting(&page(Vec::new(), Section::Waiting), &[]));
    let ended = |at: usize| decided(verdicts().remove(at).1);
    let mut told = ended(0);
    let address = Some("https://github.com/acme/app/pull/1208");
    told.result = Some(result(ResultStatus::Succeeded, Some("Opened PR #1208"), address));
    let mut namesake = ended(5);
    namesake.request.conversation.id = foreign("c-43");
    let unposted = DecisionLine { message: None, ..decision_line(ended(4)) };
    let ended = vec![decision_line(told), decision_line(namesake), unposted];
    keep_message("history", &lists::history(&page(ended.clone(), Section::Decisions), None, ADDRESS));
    let path = Some("salesforce.create_record");
    keep_message(
        "history_of_an_action",
        &lists::history(&page(ended[..1].to_vec(), Section::Decisions), path, None),
    );
    keep_message("history_empty", &lists::history(&page(Vec::new(), Section::Decisions), path, ADDRESS));
    let action = ordinary().request.action;
    let near = vec!["salesforce.create_record".to_owned()];
    let said: Vec<Value> = [
        lists::turned_on(&action, true),
        lists::turned_on(&action, false),
        lists::turned_off(&action, true),
        lists::turned_off(&action, false),
        lists::all_off(0),
        lists::all_off(1),
        lists::all_off(7),
        lists::no_such_action("<!channel> *x*", &near),
        lists::no_such_action("salesfroce", &[]),
        lists::no_such_word("frobnicate <@U1>"),
        lists::plain(lists::WHICH.to_owned()),
        lists::plain(lists::NOT_OPENED.to_owned()),
    ]
    .into_iter()
    .map(|message| Value::from(message.text))
    .collect();
    keep("command_answers", &json!(said));
}

#[test]
fn every_refusal_of_a_change_of_settings_is_said() {
    let said: Vec<Value> = [
        Rejection::Locked,
        Rejection::NotConnected,
        Rejection::Guest,
        Rejection::OtherWorkspace,
        Rejection::NotAdmin,
        Rejection::UnknownAction,
        Rejection::UnknownGrant,
        Rejection::UnknownUnlockRequest,
        Rejection::ChangedSinceUnlocked,
        Rejection::ChangedSinceShown,
        Rejection::AlreadyUnlocked,
        Rejection::AlreadyAnswered(answered(Resolution::Declined)),
        Rejection::AlreadyAnswered(answered(Resolution::Retired)),
        Rejection::LookupUnavailable,
        Rejection::SlackBusy(30),
        Rejection::WorkspaceRemoved,
    ]
    .iter()
    .map(|rejection| json!([rejection.code(), sentences::settings(rejection)]))
    .collect();
    for sentence in &said {
        checks::message(&json!({ "text": sentence[1] }));
    }
    keep("sentences_settings", &json!(said));
}

/// Every list is full, and every name is as long and as hostile as possible.
#[test]
fn at_their_worst_they_stay_within_slacks_limits() {
    for piece in ["x", "&", "<", "\"", "\u{1}", "\u{202E}", "界", "👩‍💻", "e\u{301}", "שלום "] {
        let name: String = piece.chars().cycle().take(200).collect();
        let prose: String = piece.chars().cycle().take(3000).collect();
        let approval = full_of(&prose);
        let integration = IntegrationLine { key: "k".repeat(100), ..integration(&name, false) };
        let action =
            ActionLine { key: "k".repeat(100), description: Some(prose.clone()), ..action(&name, true) };
        let locked = ActionLine { unlocked: None, ..action.clone() };
        let grant = GrantLine {
            integration_name: name.clone(),
            conversation_id: Some(prose.clone()),
            ..granted(&name, Some(&prose[..prose.len()]))
        };
        let asker = |_| Asker { user: alice(), asked_at: asked_at(), approved: u64::MAX, denied: u64::MAX };
        let worst = |read_only| Description {
            integration_name: name.clone(),
            name: name.clone(),
            description: Some(format!("{prose}{read_only}")),
            impact: if read_only { Impact::ReadOnly } else { Impact::DESTRUCTIVE },
            presentation: Presentation { title: Template::literal(&name).ok(), fields: Vec::new() },
            input_schema: None,
            requires_connection: read_only,
        };
        let changed = ChangedLine {
            path: format!("{}.{}", "k".repeat(100), "k".repeat(100)),
            before: Some(Description { integration_name: prose.clone(), name: prose.clone(), ..worst(true) }),
            after: worst(false),
            ..changed_line()
        };
        let unlock = UnlockLine {
            integration_name: name.clone(),
            action_name: name.clone(),
            description: Some(prose.clone()),
            askers: (0..10).map(asker).collect(),
            asked: usize::MAX,
            ..unlock_line(None)
        };
        let line = WaitingLine { requested: true, ..waiting(approval.clone(), LOCKED) };
        let mut ended = approval;
        ended.decision = decided(verdicts().remove(6).1).decision;
        let summary: String = piece.chars().cycle().take(300).collect();
        let address = format!("https://example.com/{}", "x".repeat(1900));
        ended.result = Some(result(ResultStatus::Failed, Some(&summary), Some(&address)));
        let mut other = ended.clone();
        other.request.conversation.id = foreign(&prose);
        let ended = [decision_line(ended), decision_line(other)];
        let shown = Home {
            waiting: Page::from_list(vec![line; 500], 1, Section::Waiting.size()),
            grants: Page::from_list(vec![grant.clone(); 500], 1, Section::Grants.size()),
            integrations: Page::from_list(vec![integration.clone(); 60], 1, Section::Integrations.size()),
            decisions: Page::from_list(
                ended.into_iter().cycle().take(300).collect(),
                1,
                Section::Decisions.size(),
            ),
            devices: Page::from_list(vec![device(Some(&name), true); 50], 1, Section::Devices.size()),
            notifications: super::notifications::all_on(),
            delegations: super::delegation::worst(),
            administration: Some(Administration {
                requests: Page::from_list(vec![unlock.clone(); 50], 1, Section::Requests.size()),
                changed: Page::from_list(vec![changed; 50], 1, Section::Changed.size()),
                catalog: Page::from_list(vec![integration.clone(); 60], 1, Section::Catalog.size()),
                picked: Some((
                    integration.clone(),
                    Page::from_list(vec![locked; 80], 1, Section::Actions.size()),
                )),
                backends: Page::from_list(
                    vec![BackendLine { failing: usize::MAX, ..backend(&name) }; 50],
                    1,
                    Section::Backends.size(),
                ),
                paused: vec![paused(&name); 100],
                prompt_failures: vec![prompt_failure(&"x".repeat(64), usize::MAX); 5],
                setup: Setup::default(),
            }),
        };
        render_home(&shown, PersonKind::Guest);
        render_home(&shown, PersonKind::Member);
        let usable = IntegrationLine { connected: true, ..integration.clone() };
        let lines = vec![SettingLine::Action(action), SettingLine::Grant(grant)];
        let lines = Page::from_list(lines.into_iter().cycle().take(200).collect(), 1, LINES);
        for content in [
            Content::Integrations(
                Page::from_list(vec![integration.clone(); 60], 1, Section::Integrations.size()),
                super::notifications::all_on(),
            ),
            Content::Gear(Box::new(usable), Page { items: Vec::new(), ..lines.clone() }),
            Content::Gear(Box::new(integration), lines),
        ] {
            checks::sound(&settings::settings(&content, None, &"m".repeat(60)), 100);
        }
        checks::message(&unlocking::message(&unlock).to_json());
        checks::message(&unlocking::answer(&unlock, &answered(Resolution::Unlocked)).to_json());
        let group = Group { first: shown.waiting.items[0].approval.clone(), count: usize::MAX };
        checks::message(&lists::waiting(&shown.waiting, &vec![group.clone(); 10]).to_json());
        checks::message(&together::offer(&group.first, Alike::Action, usize::MAX).to_json());
        checks::sound(&together::modal(&vec![group.first; MOST_TOGETHER], usize::MAX), 100);
        checks::message(&lists::history(&shown.decisions, Some(&"k".repeat(201)), ADDRESS).to_json());
    }
}
