//! Reading a condition: precedence, names, functions and types are checked in one pass.

use std::sync::Arc;

use super::{
    clock,
    fault::{MOST_CHARACTERS, MOST_NODES, SyntaxFault},
    functions::{self, SIGNATURES, Signature},
    syntax::{Arithmetic, Each, Expr, Function, Order, Root, Type},
    token::{Token, fault, tokens},
};
use crate::domain::nearest::nearest;

/// How deeply brackets, operators without a left side and branches may be nested.
const MOST_DEPTH: u32 = 32;
/// The most characters of a pattern.
const PATTERN_CHARACTERS: usize = 500;
/// The most memory of a compiled pattern, in bytes.
const PATTERN_SIZE: usize = 128 * 1024;

/// A part of a condition, where it begins, and its type.
struct Typed {
    at: usize,
    expr: Expr,
    ty: Type,
}

type Parsed = Result<Typed, SyntaxFault>;

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token)>,
    next: usize,
    nodes: u32,
    depth: u32,
    /// The name of the element that the macro around is looking at.
    element: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Expr, SyntaxFault> {
    if text.trim().is_empty() {
        return Err(fault(text, 0, "the condition is empty; leave out `when` if the rule always applies"));
    }
    if text.chars().count() > MOST_CHARACTERS {
        return Err(fault(text, 0, format!("a condition has at most {MOST_CHARACTERS} characters")));
    }
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, nodes: 0, depth: 0, element: None };
    let whole = parser.expression()?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("an operator or the end of the condition"));
    }
    parser.must_be(&whole, Type::Bool, "a condition")?;
    Ok(whole.expr)
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let is = *self.peek() == Token::Sign(sign);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), SyntaxFault> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(sign)) }
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> SyntaxFault {
        fault(self.text, at, message)
    }

    fn unexpected(&self, expected: &str) -> SyntaxFault {
        let found = match self.peek() {
            Token::End => "the end".to_owned(),
            Token::Word(word) => format!("{word:?}"),
            Token::Sign(sign) => format!("{sign:?}"),
            Token::Text(_) => "a string".to_owned(),
            Token::Int(_) | Token::Double(_) => "a number".to_owned(),
        };
        self.fault(self.at(), format!("expected {expected}, found {found}"))
    }

    fn must_be(&self, value: &Typed, ty: Type, what: &str) -> Result<(), SyntaxFault> {
        if value.ty.may_be(ty) {
            return Ok(());
        }
        Err(self.fault(value.at, format!("{what} must be {}, and this is {}", ty.name(), value.ty.name())))
    }

    fn node(&mut self, at: usize, expr: Expr, ty: Type) -> Parsed {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let message = format!("a condition has at most {MOST_NODES} parts; split it into several rules");
            return Err(self.fault(at, message));
        }
        Ok(Typed { at, expr, ty })
    }

    /// Parses what is nested, up to a fixed depth.
    fn nested(&mut self, parse: fn(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.fault(self.at(), format!("nested more than {MOST_DEPTH} levels deep")));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn expression(&mut self) -> Parsed {
        let first = self.either()?;
        if !self.takes("?") {
            return Ok(first);
        }
        self.must_be(&first, Type::Bool, "what stands before ?")?;
        let yes = self.nested(Self::either)?;
        self.expect(":")?;
        let no = self.nested(Self::expression)?;
        let ty = if yes.ty == no.ty { yes.ty } else { Type::Any };
        self.node(first.at, Expr::If(Box::new([first.expr, yes.expr, no.expr])), ty)
    }

    fn either(&mut self) -> Parsed {
        self.logic(true, "||", Self::both)
    }

    fn both(&mut self) -> Parsed {
        self.logic(false, "&&", Self::relation)
    }

    fn logic(&mut self, or: bool, sign: &'static str, side: fn(&mut Self) -> Parsed) -> Parsed {
        let mut left = side(self)?;
        while self.takes(sign) {
            let right = side(self)?;
            self.must_be(&left, Type::Bool, "each side")?;
            self.must_be(&right, Type::Bool, "each side")?;
            let sides = Box::new([left.expr, right.expr]);
            left = self.node(left.at, Expr::Logic { or, sides }, Type::Bool)?;
        }
        Ok(left)
    }

    fn relation(&mut self) -> Parsed {
        let mut left = self.sum()?;
        loop {
            let token = self.peek().clone();
            let order = match token {
                Token::Sign("<") => Some(Order::Less),
                Token::Sign("<=") => Some(Order::LessOrEqual),
                Token::Sign(">") => Some(Order::Greater),
                Token::Sign(">=") => Some(Order::GreaterOrEqual),
                _ => None,
            };
            let is_in = matches!(&token, Token::Word(word) if word == "in");
            if order.is_none() && !is_in && !matches!(token, Token::Sign("==" | "!=")) {
                return Ok(left);
            }
            self.take();
            let right = self.sum()?;
            let (at, left_ty) = (left.at, left.ty);
            if is_in {
                if !right.ty.may_be(Type::List) && !right.ty.may_be(Type::Map) {
                    self.must_be(&right, Type::List, "what stands after in")?;
                }
                left = self.node(at, Expr::In(Box::new([left.expr, right.expr])), Type::Bool)?;
                continue;
            }
            let null = order.is_none() && (left_ty == Type::Null || right.ty == Type::Null);
            if !left_ty.may_be(right.ty) && !null {
                let message = format!("{} can't be compared with {}", left_ty.name(), right.ty.name());
                return Err(self.fault(at, message));
            }
            if order.is_some()
                && [left_ty, right.ty].iter().any(|ty| matches!(ty, Type::List | Type::Map | Type::Null))
            {
                return Err(self.fault(at, "lists, maps and null have no order"));
            }
            let sides = Box::new([left.expr, right.expr]);
            let expr = match order {
                Some(order) => Expr::Order(order, sides),
                None => Expr::Equal { not: token == Token::Sign("!="), sides },
            };
            left = self.node(at, expr, Type::Bool)?;
        }
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("+") => Arithmetic::Add,
                Token::Sign("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.take();
            let right = self.product()?;
            left = self.arithmetic(operator, left, right)?;
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Sign("*") => Arithmetic::Multiply,
                Token::Sign("/") => Arithmetic::Divide,
                Token::Sign("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.take();
            let right = self.unary()?;
            left = self.arithmetic(operator, left, right)?;
        }
    }

    fn arithmetic(&mut self, operator: Arithmetic, left: Typed, right: Typed) -> Parsed {
        use Type::{Any, Duration, List, Number, Text, Timestamp};
        let ty = match (operator, left.ty, right.ty) {
            (_, Number | Any, Number) | (_, Number, Any) => Some(Number),
            (Arithmetic::Add, Text | Any, Text) | (Arithmetic::Add, Text, Any) => Some(Text),
            (Arithmetic::Add, List | Any, List) | (Arithmetic::Add, List, Any) => Some(List),
            (Arithmetic::Add, Timestamp, Duration) | (Arithmetic::Add, Duration, Timestamp) => {
                Some(Timestamp)
            }
            (Arithmetic::Subtract, Timestamp, Duration) => Some(Timestamp),
            (Arithmetic::Add | Arithmetic::Subtract, Duration, Duration)
            | (Arithmetic::Subtract, Timestamp, Timestamp) => Some(Duration),
            (_, Any, Any)
            | (
                Arithmetic::Add | Arithmetic::Subtract,
                Any | Timestamp | Duration,
                Any | Timestamp | Duration,
            ) => Some(Any),
            _ => None,
        };
        let Some(ty) = ty else {
            let message = format!("{} and {} can't be combined so", left.ty.name(), right.ty.name());
            return Err(self.fault(left.at, message));
        };
        self.node(left.at, Expr::Arithmetic(operator, Box::new([left.expr, right.expr])), ty)
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        if self.takes("!") {
            let value = self.nested(Self::unary)?;
            self.must_be(&value, Type::Bool, "what stands after !")?;
            self.node(at, Expr::Not(Box::new(value.expr)), Type::Bool)
        } else if self.takes("-") {
            let value = self.nested(Self::unary)?;
            self.must_be(&value, Type::Number, "what stands after -")?;
            self.node(at, Expr::Negate(Box::new(value.expr)), Type::Number)
        } else {
            self.member()
        }
    }

    fn member(&mut self) -> Parsed {
        let mut value = self.primary()?;
        loop {
            let at = self.at();
            if self.takes("[") {
                let index = self.nested(Self::expression)?;
                self.expect("]")?;
                if !value.ty.may_be(Type::List) && !value.ty.may_be(Type::Map) {
                    return Err(self.fault(value.at, format!("{} has no elements", value.ty.name())));
                }
                if let (Expr::Root(root), Expr::Text(field)) = (&value.expr, &index.expr) {
                    self.check_field(*root, field, index.at)?;
                }
                let expr = Expr::Index(Box::new(value.expr), Box::new(index.expr));
                value = self.node(value.at, expr, Type::Any)?;
            } else if self.takes(".") {
                let Token::Word(name) = self.take() else {
                    return Err(self.fault(at, "a field or a function must follow the dot"));
                };
                value = if self.takes("(") {
                    self.method(value, at + 1, &name)?
                } else {
                    self.select(value, at, name)?
                };
            } else {
                return Ok(value);
            }
        }
    }

    fn select(&mut self, value: Typed, at: usize, field: String) -> Parsed {
        if !value.ty.may_be(Type::Map) {
            return Err(self.fault(at, format!("{} has no fields", value.ty.name())));
        }
        let mut ty = Type::Any;
        if let Expr::Root(root) = value.expr {
            self.check_field(root, &field, at)?;
            if root.fields().is_some() {
                ty = Type::Text;
            }
        }
        self.node(value.at, Expr::Select(Box::new(value.expr), field), ty)
    }

    fn check_field(&self, root: Root, field: &str, at: usize) -> Result<(), SyntaxFault> {
        match root.fields() {
            Some(fields) if !fields.contains(&field) => {
                let known: Vec<String> =
                    fields.iter().map(|known| format!("{}.{known}", root.name())).collect();
                let message = format!("unknown field {}.{field}; use {}", root.name(), known.join(" or "));
                Err(self.fault(at, message))
            }
            _ => Ok(()),
        }
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        match self.take() {
            Token::Int(value) => self.node(at, Expr::Int(value), Type::Number),
            Token::Double(value) => self.node(at, Expr::Double(value), Type::Number),
            Token::Text(value) => self.node(at, Expr::Text(value), Type::Text),
            Token::Sign("(") => {
                let inner = self.nested(Self::expression)?;
                self.expect(")")?;
                Ok(Typed { at, ..inner })
            }
            Token::Sign("[") => {
                let elements = self.list("]")?;
                let elements = elements.into_iter().map(|element| element.expr).collect();
                self.node(at, Expr::List(elements), Type::List)
            }
            Token::Word(word) if self.takes("(") => self.call(at, &word),
            Token::Word(word) => self.name(at, &word),
            Token::Sign(_) | Token::End => {
                self.next -= 1;
                Err(self.unexpected("a value"))
            }
        }
    }

    fn name(&mut self, at: usize, word: &str) -> Parsed {
        if self.element.as_deref() == Some(word) {
            return self.node(at, Expr::Element, Type::Any);
        }
        let root = Root::ALL.into_iter().find(|root| root.name() == word);
        match (word, root) {
            ("true" | "false", _) => self.node(at, Expr::Bool(word == "true"), Type::Bool),
            ("null", _) => self.node(at, Expr::Null, Type::Null),
            (_, Some(Root::Now)) => self.node(at, Expr::Root(Root::Now), Type::Timestamp),
            (_, Some(root)) => self.node(at, Expr::Root(root), Type::Map),
            _ => {
                let names: Vec<String> = Root::ALL.map(|root| root.name().to_owned()).to_vec();
                let message = format!("unknown name {word:?}; use {}", names.join(", "));
                Err(self.fault(at, message))
            }
        }
    }

    /// Values up to a closing bracket, separated by commas.
    fn list(&mut self, end: &'static str) -> Result<Vec<Typed>, SyntaxFault> {
        let mut values = Vec::new();
        while !self.takes(end) {
            if !values.is_empty() {
                self.expect(",")?;
                if self.takes(end) {
                    break;
                }
            }
            values.push(self.nested(Self::expression)?);
        }
        Ok(values)
    }

    /// `name(…)`, behind the bracket.
    fn call(&mut self, at: usize, name: &str) -> Parsed {
        if name == "has" {
            let value = self.nested(Self::expression)?;
            self.expect(")")?;
            return match value.expr {
                Expr::Select(of, field) => self.node(at, Expr::Has(of, field), Type::Bool),
                _ => Err(self.fault(value.at, "has() takes a field, as in has(arguments.amount)")),
            };
        }
        let arguments = self.list(")")?;
        let signature = self.signature(at, name, false)?;
        self.finish(at, signature, arguments)
    }

    /// `receiver.name(…)`, behind the bracket.
    fn method(&mut self, receiver: Typed, at: usize, name: &str) -> Parsed {
        if let Some((_, each)) = Each::ALL.into_iter().find(|(known, _)| *known == name) {
            return self.each(receiver, at, each, name);
        }
        if name == "matches" {
            return self.matches(receiver, at);
        }
        let mut arguments = vec![receiver];
        arguments.append(&mut self.list(")")?);
        let signature = self.signature(at, name, true)?;
        self.finish(at, signature, arguments)
    }

    fn signature(&self, at: usize, name: &str, on_receiver: bool) -> Result<&'static Signature, SyntaxFault> {
        let Some(signature) = SIGNATURES.iter().find(|signature| signature.name == name) else {
            let meant = nearest(name, &functions::names(), 1);
            let hint = meant.first().map_or_else(
                || format!("use one of {}", functions::names().join(", ")),
                |meant| format!("did you mean {meant}()?"),
            );
            return Err(self.fault(at, format!("unknown function {name}(); {hint}")));
        };
        match (on_receiver, signature.on_receiver, signature.alone) {
            (true, false, _) => Err(self.fault(at, format!("write {name}(value) instead of value.{name}()"))),
            (false, _, false) => {
                Err(self.fault(at, format!("write value.{name}(…) instead of {name}(value, …)")))
            }
            _ => Ok(signature),
        }
    }

    fn finish(&mut self, at: usize, signature: &'static Signature, arguments: Vec<Typed>) -> Parsed {
        let Signature { name, function, takes, optional, gives, .. } = signature;
        if arguments.len() > takes.len() || arguments.len() + optional < takes.len() {
            let receiver = usize::from(signature.on_receiver);
            let wanted = match (takes.len() - optional - receiver, takes.len() - receiver) {
                (0, 0) => "no arguments".to_owned(),
                (least, most) if least == most => {
                    format!("{most} argument{}", if most == 1 { "" } else { "s" })
                }
                (least, most) => format!("{least} or {most} arguments"),
            };
            return Err(self.fault(at, format!("{name}() takes {wanted}")));
        }
        for (argument, ty) in arguments.iter().zip(*takes) {
            self.must_be(argument, *ty, &format!("what {name}() takes"))?;
        }
        if let (Function::Clock(_), Some(Typed { at, expr: Expr::Text(zone), .. })) =
            (function, arguments.get(1))
            && !clock::is_zone(zone)
        {
            return Err(
                self.fault(*at, format!("unknown time zone {zone:?}; write one such as Europe/Berlin"))
            );
        }
        if let Function::Size = function {
            let ty = arguments.first().map_or(Type::Any, |argument| argument.ty);
            if !matches!(ty, Type::Any | Type::Text | Type::List | Type::Map) {
                return Err(self.fault(at, format!("{} has no size", ty.name())));
            }
        }
        let arguments = arguments.into_iter().map(|argument| argument.expr).collect();
        self.node(at, Expr::Call(*function, arguments), *gives)
    }

    fn matches(&mut self, receiver: Typed, at: usize) -> Parsed {
        self.must_be(&receiver, Type::Text, "what matches() takes")?;
        let pattern_at = self.at();
        let Token::Text(pattern) = self.take() else {
            return Err(self.fault(pattern_at, "matches() takes a pattern in quotes"));
        };
        self.expect(")")?;
        if pattern.chars().count() > PATTERN_CHARACTERS {
            let message = format!("a pattern has at most {PATTERN_CHARACTERS} characters");
            return Err(self.fault(pattern_at, message));
        }
        let regex = regex::RegexBuilder::new(&pattern).size_limit(PATTERN_SIZE).build().map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.fault(pattern_at, format!("this is not a pattern: {why}"))
        })?;
        self.node(at, Expr::Matches(Box::new(receiver.expr), Arc::new(regex)), Type::Bool)
    }

    fn each(&mut self, range: Typed, at: usize, each: Each, name: &str) -> Parsed {
        if self.element.is_some() {
            return Err(self.fault(at, format!("{name}() can't stand inside another macro")));
        }
        if !range.ty.may_be(Type::List) && !range.ty.may_be(Type::Map) {
            return Err(self.fault(range.at, format!("{} has no elements", range.ty.name())));
        }
        let variable_at = self.at();
        let variable = match self.take() {
            Token::Word(word) if Root::ALL.iter().all(|root| root.name() != word) => word,
            Token::Word(word) => {
                return Err(
                    self.fault(variable_at, format!("{word} has a meaning already; take another name"))
                );
            }
            _ => {
                let message =
                    format!("{name}() takes a name and a condition, as in arguments.to.{name}(x, x != \"\")");
                return Err(self.fault(variable_at, message));
            }
        };
        self.expect(",")?;
        self.element = Some(variable);
        let body = self.nested(Self::expression);
        self.element = None;
        let body = body?;
        self.expect(")")?;
        if each != Each::Map {
            self.must_be(&body, Type::Bool, &format!("the second argument of {name}()"))?;
        }
        let ty = if matches!(each, Each::Filter | Each::Map) { Type::List } else { Type::Bool };
        self.node(at, Expr::Each { each, range: Box::new(range.expr), body: Box::new(body.expr) }, ty)
    }
}
