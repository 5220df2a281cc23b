//! Evaluating a condition, in a bounded number of steps.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    calls,
    fault::{ConditionFault, MOST_ELEMENTS},
    fuel::{Fuel, OUT},
    syntax::{Arithmetic, Each, Expr, Order, Root, Type},
    value::{Evaluated, Value, equal, have_order, order, to_double, wrong_type},
};
use crate::domain::{policy::facts::Facts, text::Text};

pub(super) fn holds(expr: &Expr, facts: &Facts<'_>, fuel: &mut Fuel) -> Result<bool, ConditionFault> {
    let mut evaluation = Evaluation { facts, fuel };
    truth(&evaluation.evaluate(expr, None)?)
}

fn truth(value: &Value<'_>) -> Result<bool, ConditionFault> {
    match value {
        Value::Bool(value) => Ok(*value),
        other => Err(wrong_type(Type::Bool, other)),
    }
}

struct Evaluation<'f, 'a> {
    facts: &'f Facts<'a>,
    fuel: &'f mut Fuel,
}

impl<'a> Evaluation<'_, 'a> {
    /// `element`: what the macro around the part is looking at.
    fn evaluate<'e: 'v, 'v>(&mut self, expr: &'e Expr, element: Option<&Value<'v>>) -> Evaluated<'v>
    where
        'a: 'v,
    {
        self.fuel.burn(1).ok_or(OUT)?;
        Ok(match expr {
            Expr::Null => Value::Null,
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Int(value) => Value::Int(*value),
            Expr::Double(value) => Value::Double(*value),
            Expr::Text(text) => Value::Text(Cow::Borrowed(text)),
            Expr::List(elements) => {
                let elements: Result<_, _> =
                    elements.iter().map(|part| self.evaluate(part, element)).collect();
                Value::List(elements?)
            }
            Expr::Root(Root::Arguments) => Value::Map(self.facts.arguments),
            Expr::Root(Root::Now) => Value::Timestamp(self.facts.now),
            Expr::Root(root) => Value::Record(*root),
            Expr::Element => {
                // The parser resolves the name only inside of a macro.
                let value = element.ok_or(ConditionFault::NoElement)?;
                let copied = if let Value::Text(text) = value { text.len() / 64 } else { 0 };
                self.fuel.burn(value.length().unwrap_or(copied)).ok_or(OUT)?;
                value.clone()
            }
            Expr::Select(of, field) => {
                let of = self.evaluate(of, element)?;
                self.field(&of, field)?.ok_or_else(|| ConditionFault::NoField(field.clone()))?
            }
            Expr::Has(of, field) => {
                let of = self.evaluate(of, element)?;
                Value::Bool(self.field(&of, field)?.is_some())
            }
            Expr::Index(of, index) => {
                let (of, index) = (self.evaluate(of, element)?, self.evaluate(index, element)?);
                self.index(&of, &index)?
            }
            Expr::Not(value) => Value::Bool(!truth(&self.evaluate(value, element)?)?),
            Expr::Negate(value) => match self.evaluate(value, element)? {
                Value::Int(int) => Value::Int(int.checked_neg().ok_or(ConditionFault::Overflow)?),
                Value::Double(double) => Value::Double(-double),
                other => return Err(wrong_type(Type::Number, &other)),
            },
            Expr::Logic { or, sides } => Value::Bool(self.logic(*or, sides, element)?),
            Expr::If(parts) => {
                let [condition, yes, no] = &**parts;
                let branch = if truth(&self.evaluate(condition, element)?)? { yes } else { no };
                self.evaluate(branch, element)?
            }
            Expr::Equal { not, sides } => {
                let [left, right] = self.both(sides, element)?;
                Value::Bool(equal(&left, &right, self.fuel).ok_or(OUT)? != *not)
            }
            Expr::Order(by, sides) => {
                let [left, right] = self.both(sides, element)?;
                if let Value::Text(text) = &left {
                    self.fuel.burn_text(text.len()).ok_or(OUT)?;
                }
                if !have_order(&left, &right) {
                    return Err(wrong_type(left.ty(), &right));
                }
                Value::Bool(order(&left, &right).is_some_and(|order| match by {
                    Order::Less => order == Ordering::Less,
                    Order::LessOrEqual => order != Ordering::Greater,
                    Order::Greater => order == Ordering::Greater,
                    Order::GreaterOrEqual => order != Ordering::Less,
                }))
            }
            Expr::Arithmetic(operator, sides) => {
                let [left, right] = self.both(sides, element)?;
                arithmetic(*operator, left, right, self.fuel)?
            }
            Expr::In(sides) => {
                let [value, list] = self.both(sides, element)?;
                Value::Bool(self.contains(&list, &value)?)
            }
            Expr::Matches(text, pattern) => match self.evaluate(text, element)? {
                Value::Text(text) => {
                    // The time of a search grows with the text and with the pattern.
                    self.fuel.burn((text.len() / 64 + 1) * (pattern.as_str().len() / 16 + 1)).ok_or(OUT)?;
                    Value::Bool(pattern.is_match(&text))
                }
                other => return Err(wrong_type(Type::Text, &other)),
            },
            Expr::Call(function, arguments) => {
                let values: Result<Vec<_>, _> =
                    arguments.iter().map(|argument| self.evaluate(argument, element)).collect();
                calls::call(*function, &values?, self.fuel)?
            }
            Expr::Each { each, range, body } => {
                let range = self.evaluate(range, element)?;
                self.each(*each, range, body)?
            }
        })
    }

    fn both<'e: 'v, 'v>(
        &mut self,
        sides: &'e [Expr; 2],
        element: Option<&Value<'v>>,
    ) -> Result<[Value<'v>; 2], ConditionFault>
    where
        'a: 'v,
    {
        let [left, right] = sides;
        Ok([self.evaluate(left, element)?, self.evaluate(right, element)?])
    }

    /// A side that decides the result counts even if the other can't be evaluated, as CEL says. Being out of steps is
    /// no such fault.
    fn logic<'e: 'v, 'v>(
        &mut self,
        or: bool,
        sides: &'e [Expr; 2],
        element: Option<&Value<'v>>,
    ) -> Result<bool, ConditionFault>
    where
        'a: 'v,
    {
        let [left, right] = sides;
        let left = self.evaluate(left, element).and_then(|value| truth(&value));
        match left {
            Ok(value) if value == or => return Ok(or),
            Err(OUT) => return Err(OUT),
            _ => {}
        }
        match (left, self.evaluate(right, element).and_then(|value| truth(&value))) {
            (_, Err(OUT)) => Err(OUT),
            (_, Ok(value)) if value == or => Ok(or),
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
            (Ok(_), Ok(_)) => Ok(!or),
        }
    }

    /// A field. `None`: there is no such field.
    fn field<'v>(&self, of: &Value<'v>, field: &str) -> Result<Option<Value<'v>>, ConditionFault>
    where
        'a: 'v,
    {
        match of {
            Value::Map(members) => Ok(members.get(field).map(Value::from_json)),
            Value::Record(root) => {
                Ok(self.facts.field(*root, field).map(|text| Value::Text(Cow::Borrowed(text))))
            }
            other => Err(wrong_type(Type::Map, other)),
        }
    }

    fn index<'v>(&self, of: &Value<'v>, index: &Value<'v>) -> Evaluated<'v>
    where
        'a: 'v,
    {
        match (of, index) {
            (Value::Array(_) | Value::List(_), Value::Int(index)) => {
                let found = usize::try_from(*index).ok().and_then(|index| of.element(index));
                found.ok_or(ConditionFault::NoElement)
            }
            (Value::Array(_) | Value::List(_), other) => Err(wrong_type(Type::Number, other)),
            (_, Value::Text(key)) => self.field(of, key)?.ok_or(ConditionFault::NoElement),
            (_, other) => Err(wrong_type(Type::Text, other)),
        }
    }

    fn contains<'v>(&mut self, list: &Value<'v>, value: &Value<'v>) -> Result<bool, ConditionFault>
    where
        'a: 'v,
    {
        if let Some(length) = list.length() {
            for index in 0..length {
                let Some(element) = list.element(index) else { break };
                if equal(&element, value, self.fuel).ok_or(OUT)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match (list, value) {
            (Value::Map(_) | Value::Record(_), Value::Text(key)) => Ok(self.field(list, key)?.is_some()),
            (Value::Map(_) | Value::Record(_), _) => Ok(false),
            (other, _) => Err(wrong_type(Type::List, other)),
        }
    }

    fn each<'e: 'v, 'v>(&mut self, each: Each, range: Value<'v>, body: &'e Expr) -> Evaluated<'v>
    where
        'a: 'v,
    {
        let elements: Vec<Value<'v>> = match range {
            Value::Array(elements) if elements.len() <= MOST_ELEMENTS => {
                elements.iter().map(Value::from_json).collect::<Vec<_>>()
            }
            Value::Map(members) if members.len() <= MOST_ELEMENTS => {
                members.keys().map(|key| Value::Text(Cow::Borrowed(key))).collect()
            }
            Value::List(elements) if elements.len() <= MOST_ELEMENTS => elements,
            Value::Array(_) | Value::List(_) | Value::Map(_) => return Err(ConditionFault::TooManyElements),
            other => return Err(wrong_type(Type::List, &other)),
        };
        self.fuel.burn(elements.len()).ok_or(OUT)?;
        let (mut kept, mut fault, mut matching) = (Vec::new(), None, 0_usize);
        for value in elements {
            let judged = self.evaluate(body, Some(&value));
            if each == Each::Map {
                kept.push(judged?);
                continue;
            }
            match (each, judged.and_then(|judged| truth(&judged))) {
                (_, Err(OUT)) => return Err(OUT),
                // As for && and ||: an element that decides counts, even if another can't be judged.
                (Each::All, Ok(false)) => return Ok(Value::Bool(false)),
                (Each::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (Each::All | Each::Exists, Err(why)) => fault = fault.or(Some(why)),
                (_, Err(why)) => return Err(why),
                (Each::Filter, Ok(true)) => kept.push(value),
                (_, Ok(is)) => matching += usize::from(is),
            }
        }
        match (each, fault) {
            (_, Some(fault)) => Err(fault),
            (Each::All, None) => Ok(Value::Bool(true)),
            (Each::Exists, None) => Ok(Value::Bool(false)),
            (Each::ExistsOne, None) => Ok(Value::Bool(matching == 1)),
            (Each::Filter | Each::Map, None) => Ok(Value::List(kept)),
        }
    }
}

fn arithmetic<'v>(operator: Arithmetic, left: Value<'v>, right: Value<'v>, fuel: &mut Fuel) -> Evaluated<'v> {
    use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
    let overflow = || ConditionFault::Overflow;
    Ok(match (operator, left, right) {
        (Divide | Remainder, Value::Int(_), Value::Int(0)) => return Err(ConditionFault::DivisionByZero),
        (_, Value::Int(left), Value::Int(right)) => {
            let result = match operator {
                Add => left.checked_add(right),
                Subtract => left.checked_sub(right),
                Multiply => left.checked_mul(right),
                Divide => left.checked_div(right),
                Remainder => left.checked_rem(right),
            };
            Value::Int(result.ok_or_else(overflow)?)
        }
        (_, Value::Int(left), Value::Double(right)) => doubles(operator, to_double(left), right),
        (_, Value::Double(left), Value::Int(right)) => doubles(operator, left, to_double(right)),
        (_, Value::Double(left), Value::Double(right)) => doubles(operator, left, right),
        (Add, Value::Text(left), Value::Text(right)) => {
            fuel.burn_text(left.len() + right.len()).ok_or(OUT)?;
            Value::Text(Cow::Owned(format!("{left}{right}")))
        }
        (Add, left, right) if left.length().is_some() && right.length().is_some() => {
            let (first, second) = (left.length().unwrap_or_default(), right.length().unwrap_or_default());
            fuel.burn(first + second).ok_or(OUT)?;
            let elements = (0..first).filter_map(|index| left.element(index));
            Value::List(elements.chain((0..second).filter_map(|index| right.element(index))).collect())
        }
        (Add, Value::Timestamp(at), Value::Duration(by))
        | (Add, Value::Duration(by), Value::Timestamp(at)) => {
            Value::Timestamp(at.checked_add_signed(by).ok_or_else(overflow)?)
        }
        (Subtract, Value::Timestamp(at), Value::Duration(by)) => {
            Value::Timestamp(at.checked_sub_signed(by).ok_or_else(overflow)?)
        }
        (Subtract, Value::Timestamp(left), Value::Timestamp(right)) => {
            Value::Duration(left.signed_duration_since(right))
        }
        (Add, Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.checked_add(&right).ok_or_else(overflow)?)
        }
        (Subtract, Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(left.checked_sub(&right).ok_or_else(overflow)?)
        }
        (_, left, right) => {
            // Names the side that does not fit the other.
            let expected = if left.ty() == Type::Null { Type::Number } else { left.ty() };
            return Err(wrong_type(expected, &right));
        }
    })
}

fn doubles<'v>(operator: Arithmetic, left: f64, right: f64) -> Value<'v> {
    Value::Double(match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    })
}

impl<'a> Facts<'a> {
    /// A field of agent, user, conversation or action.
    fn field(&self, root: Root, field: &str) -> Option<&'a str> {
        match (root, field) {
            (Root::Agent, "id") => Some(self.agent.id.as_str()),
            (Root::Agent, "name") => self.agent.name.as_ref().map(Text::as_str),
            (Root::User, "id") => Some(self.user.as_str()),
            (Root::Conversation, "id") => Some(self.conversation.id.as_str()),
            (Root::Conversation, "title") => self.conversation.title.as_ref().map(Text::as_str),
            (Root::Action, "integration") => Some(self.integration.as_str()),
            (Root::Action, "key") => Some(self.action.as_str()),
            _ => None,
        }
    }
}
