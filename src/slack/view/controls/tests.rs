use uuid::Uuid;

use super::*;

#[test]
fn a_click_reads_what_the_view_wrote() {
    let approval = ApprovalId::new(Uuid::from_u128(1));
    let grant = GrantId::new(Uuid::from_u128(2));
    let action = ActionId::new(Uuid::from_u128(3));
    let integration = IntegrationId::new(Uuid::from_u128(4));
    let request = UnlockRequestId::new(Uuid::from_u128(5));
    let version = ActionVersionId::new(Uuid::from_u128(6));
    let screen = Screen { integration: Some(integration), page: 7 };
    for control in [
        Control::Approve(approval),
        Control::ApproveMore { approval, scope: Scope::Once },
        Control::ApproveMore { approval, scope: Scope::Conversation },
        Control::ApproveMore { approval, scope: Scope::Always },
        Control::Edit(approval),
        Control::Narrow(approval),
        Control::Deny(approval),
        Control::DenyMore { approval, reason: Some(DenialReason::WrongTarget) },
        Control::DenyMore { approval, reason: Some(DenialReason::NotNow) },
        Control::DenyMore { approval, reason: Some(DenialReason::AskAgain) },
        Control::DenyMore { approval, reason: None },
        Control::ApproveAll { like: approval, alike: Alike::Agent },
        Control::ApproveAll { like: approval, alike: Alike::Conversation },
        Control::DenyAll { like: approval, alike: Alike::Action },
        Control::ApproveAll { like: approval, alike: Alike::Message },
        Control::Review(approval),
        Control::Skip(approval),
        Control::Details(approval),
        Control::DetailsPrevious { approval, page: 0 },
        Control::DetailsNext { approval, page: usize::MAX },
        Control::DetailsJump { approval, page: 2 },
        Control::TurnOff(grant),
        Control::EveryonesGrants,
        Control::GrantsOf,
        Control::GrantsPrevious(0),
        Control::GrantsNext(usize::MAX),
        Control::RevokeGrant(grant),
        Control::SearchAudit,
        Control::AuditNewest,
        Control::AuditFurther,
        Control::ExportAudit,
        Control::Figures,
        Control::UnlockReadOnly(integration),
        Control::FailingWebhooks(BackendId::new(Uuid::from_u128(8))),
        Control::SendAgain {
            backend: BackendId::new(Uuid::from_u128(8)),
            delivery: DeliveryId::new(Uuid::from_u128(9)),
        },
        Control::Agents,
        Control::AgentsPrevious(0),
        Control::AgentsNext(usize::MAX),
        Control::PauseAgent(AgentId::new(Uuid::from_u128(8))),
        Control::PauseBackend(BackendId::new(Uuid::from_u128(9))),
        Control::Resume(PauseId::new(Uuid::from_u128(10))),
        Control::RevokeKey(ApiKeyId::new(Uuid::from_u128(7))),
        Control::OpenConversation,
        Control::Connect,
        Control::RequestUnlock(action),
        Control::GrantRequest { request, version: None },
        Control::GrantRequest { request, version: Some(version) },
        Control::DeclineRequest(request),
        Control::Unlock { action, version: None },
        Control::Unlock { action, version: Some(version) },
        Control::Confirm { action, version },
        Control::Lock(action),
        Control::ActionOptions { action, place: 0 },
        Control::ActionOptions { action, place: 7 },
        Control::SectionPrevious { section: Section::Waiting, page: 0 },
        Control::SectionNext { section: Section::Integrations, page: usize::MAX },
        Control::Pick(integration),
        Control::PickNone,
        Control::Gear(integration),
        Control::SettingsPrevious(Screen::default()),
        Control::SettingsNext(screen),
        Control::SettingsAll,
        Control::Toggle { action, toggle: Toggle::On },
        Control::Toggle { action, toggle: Toggle::Off },
        Control::Delegation,
        Control::EndDelegation(DelegationId::new(Uuid::from_u128(8))),
        Control::OpenSettings,
        Control::TurnOffReported(grant),
        Control::Notify { notice: Notice::Reminders, on: true },
        Control::Notify { notice: Notice::Digest, on: false },
        Control::QuietFrom(None),
        Control::QuietFrom(Hour::new(23)),
        Control::QuietUntil(Hour::new(0).unwrap()),
    ] {
        assert_eq!(Control::parse(control.action_id(), &control.value()), Some(control));
        assert!(control.value().len() <= 75, "{control:?}");
    }
}

#[test]
fn what_no_view_wrote_is_nothing() {
    let id = "apr_00000000000000000000000000000001";
    let scoped = format!("forever:{id}");
    for (action_id, value) in [
        ("approve", ""),
        ("approve", "grt_00000000000000000000000000000001"),
        ("approve", "always:apr_00000000000000000000000000000001"),
        ("approve_more", id),
        ("approve_more", scoped.as_str()),
        ("edit", id),
        ("approve_more", "edit:grt_00000000000000000000000000000001"),
        ("deny_more", id),
        ("deny_more", "because:apr_00000000000000000000000000000001"),
        ("details_next", "-1:apr_00000000000000000000000000000001"),
        ("approve_all", id),
        ("deny_all", "everything:apr_00000000000000000000000000000001"),
        ("turn_off", id),
        ("toggle", id),
        ("toggle", "maybe:act_00000000000000000000000000000003"),
        ("section_next", "1:everything"),
        ("section_next", "-1:waiting"),
        ("unlock", "int_00000000000000000000000000000003"),
        ("unlock", "act_00000000000000000000000000000003:act_00000000000000000000000000000003"),
        ("confirm", "act_00000000000000000000000000000003"),
        ("notify", "maybe"),
        ("notify_digest", ""),
        ("quiet_from", "24"),
        ("quiet_from", "-1"),
        ("quiet_until", "never"),
        ("quiet_until", "08:00"),
        ("APPROVE", id),
        ("", ""),
    ] {
        assert_eq!(Control::parse(action_id, value), None, "{action_id} {value}");
    }
    assert_eq!(Callback::parse("approve"), None);
}
