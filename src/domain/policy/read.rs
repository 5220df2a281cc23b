//! Reading rules from YAML.

use chrono::TimeDelta;

use super::{
    cel::Condition,
    fault::Faults,
    fields::{Field, Fields},
    model::{Effect, EffectKind, Limits, Rule, Scopes},
    pattern::ActionPattern,
    source::Yaml,
};
use crate::domain::{
    grants::Scope,
    ids::UserId,
    limits::Uses,
    panel::{ApproverSpec, Escalation, MOST_PEOPLE},
    rule_ref::RuleNumber,
    text::Prose,
};

const RULE: [&str; 6] = ["action", "when", "effect", "reason", "limits", "approvers"];
const LIMITS: [&str; 3] = ["scopes", "max_duration", "max_uses"];
const APPROVERS: [&str; 5] = ["users", "required", "not_the_user", "escalate_after", "escalate_to"];
/// The longest time that an auto-approval may be limited to.
const LONGEST: TimeDelta = TimeDelta::days(365);

pub(super) fn rule(field: &Field<'_>, index: usize, faults: &mut Faults) -> Option<Rule> {
    let fields = Fields::read(field, &RULE, faults)?;
    let action =
        fields.need("action", "github.create_issue", faults).and_then(|field| pattern(&field, faults));
    let when = fields.get("when").and_then(|field| condition(&field, faults));
    let reason = fields.get("reason").and_then(|field| {
        let text = field.text(faults)?;
        Prose::new(text).map_err(|fault| field.fault(fault.to_string(), faults)).ok()
    });
    let limits = fields.get("limits");
    let approvers = fields.get("approvers");
    let kind = fields.need("effect", "ask", faults).and_then(|field| {
        let names = EffectKind::ALL.map(|kind| (kind.as_str(), kind));
        field.one_of(&names, faults)
    })?;
    if let Some(limits) = limits.as_ref().filter(|_| kind != EffectKind::UserChoice) {
        limits.fault("belongs to the effect user_choice only", faults);
    }
    if let Some(approvers) =
        approvers.as_ref().filter(|_| matches!(kind, EffectKind::Block | EffectKind::Allow))
    {
        approvers.fault("belongs to the effects ask and user_choice only: no one is asked here", faults);
    }
    let limits = limits.map(|field| self::limits(&field, faults)).unwrap_or_default();
    let approvers = approvers.and_then(|field| self::approvers(&field, faults));
    let effect = match kind {
        EffectKind::Block => Effect::Block,
        EffectKind::Ask => Effect::Ask(approvers),
        EffectKind::UserChoice => Effect::UserChoice(limits, approvers),
        EffectKind::Allow => Effect::Allow,
    };
    let action = action?;
    if matches!(kind, EffectKind::UserChoice | EffectKind::Allow)
        && let Some(meant) = action.ambiguous()
    {
        let message = format!("several actions can have this name; write {meant} to name one");
        faults.add(fields.line, format!("{}.action", field.path), message);
    }
    Some(Rule { number: RuleNumber::at(index)?, line: field.line, action, when, effect, reason })
}

pub(super) fn pattern(field: &Field<'_>, faults: &mut Faults) -> Option<ActionPattern> {
    let text = field.text(faults)?;
    ActionPattern::parse(text).map_err(|why| field.fault(why, faults)).ok()
}

fn condition(field: &Field<'_>, faults: &mut Faults) -> Option<Condition> {
    if let Yaml::Bool(value) = field.value {
        return Condition::parse(if *value { "true" } else { "false" }).ok();
    }
    let text = field.text(faults)?;
    Condition::parse(text).map_err(|fault| field.fault(fault.to_string(), faults)).ok()
}

fn limits(field: &Field<'_>, faults: &mut Faults) -> Limits {
    let Some(fields) = Fields::read(field, &LIMITS, faults) else { return Limits::default() };
    let scopes = fields.get("scopes").map(|field| {
        let names = [Scope::Once, Scope::Conversation, Scope::Always].map(|scope| (scope.as_str(), scope));
        let listed: Vec<Scope> =
            field.list(faults).iter().filter_map(|scope| scope.one_of(&names, faults)).collect();
        if !listed.contains(&Scope::Once) {
            field.fault("must contain once: a person can always approve a single call", faults);
        }
        if listed.contains(&Scope::Always) && !listed.contains(&Scope::Conversation) {
            field.fault("contains always, so it must contain conversation too", faults);
        }
        Scopes {
            conversation: listed.contains(&Scope::Conversation),
            always: listed.contains(&Scope::Always),
        }
    });
    Limits {
        scopes,
        max_duration: fields
            .get("max_duration")
            .and_then(|field| field.span(TimeDelta::minutes(1), LONGEST, faults)),
        max_uses: fields
            .get("max_uses")
            .and_then(|field| field.number(1, u32::from(Uses::MOST), faults))
            .and_then(|number| Uses::new(u16::try_from(number).ok()?)),
    }
}

pub(super) fn people(field: &Field<'_>, faults: &mut Faults) -> Vec<UserId> {
    let mut people: Vec<UserId> = Vec::new();
    let listed = field.list(faults);
    if listed.len() > MOST_PEOPLE {
        field.fault(format!("names at most {MOST_PEOPLE} people"), faults);
    }
    for person in &listed {
        let Some(text) = person.text(faults) else { continue };
        match UserId::parse(text) {
            None => person.fault(
                "must be a Slack user id such as U0BOB (in Slack: profile, ⋮, Copy member ID)",
                faults,
            ),
            Some(id) if people.contains(&id) => person.fault("is listed twice", faults),
            Some(id) => people.push(id),
        }
    }
    people
}

fn approvers(field: &Field<'_>, faults: &mut Faults) -> Option<ApproverSpec> {
    let fields = Fields::read(field, &APPROVERS, faults)?;
    let listed = fields.need("users", "[U0BOB]", faults)?;
    let users = people(&listed, faults);
    if users.is_empty() {
        listed.fault("must name at least one person", faults);
        return None;
    }
    let required = match fields.get("required") {
        None => 1,
        Some(field) => field.number(1, u32::try_from(users.len()).unwrap_or(1), faults)?,
    };
    let not_the_user = fields.get("not_the_user").and_then(|field| field.boolean(faults)).unwrap_or_default();
    let after = fields.get("escalate_after");
    let to = fields.get("escalate_to");
    let escalation = match (&after, &to) {
        (None, None) => None,
        (Some(field), None) => {
            field.fault("needs escalate_to: [U0CFO], the people who are asked then", faults);
            None
        }
        (None, Some(field)) => {
            field.fault("needs escalate_after: 15m, the time to wait before", faults);
            None
        }
        (Some(after), Some(to)) => {
            let after = after.span(TimeDelta::minutes(1), TimeDelta::days(7), faults);
            let people = people(to, faults);
            if people.is_empty() {
                to.fault("must name at least one person", faults);
                return None;
            }
            Some(Escalation { after: after?, to: people })
        }
    };
    let required = usize::try_from(required).ok()?;
    ApproverSpec::new(users, required, not_the_user, escalation)
        .map_err(|fault| field.fault(fault.to_string(), faults))
        .ok()
}
